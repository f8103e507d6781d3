// Starts Swagger UI in the browser. A separate file, because the page's policy forbids inline
// scripts.

/** Formats JSON, with every digit of numbers. */
function layOut(text) {
  const keepDigits = (_key, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value)
      ? JSON.rawJSON(context.source)
      : value;
  try {
    return JSON.stringify(JSON.parse(text, keepDigits), null, 2);
  } catch {
    // It is not JSON, or the browser does not support `source`: the original text is exact, too.
    return text;
  }
}

/** Replaces Swagger UI's display of JSON answers, which rounds beyond 2^53 (its issue 10049). */
function ExactAnswers({ React: { createElement } }) {
  const exactly = (Original) => (props) => {
    const { content, contentType, getComponent } = props;
    if (typeof content !== "string" || !/json/i.test(contentType ?? "")) {
      return createElement(Original, props);
    }
    const shown = { language: "json", fileName: "answer.json", downloadable: true, canCopy: true };
    return createElement(
      "div",
      null,
      createElement("h5", null, "Response body"),
      createElement(getComponent("HighlightCode", true), shown, layOut(content)),
    );
  };
  return { wrapComponents: { responseBody: exactly } };
}

/**
 * Proposes no body where the body is optional. Swagger UI would fill in the example and send it.
 */
function MissingBodies({ React: { createElement } }) {
  let Editor;
  const EmptyEditor = (props) => createElement(Editor, { ...props, defaultValue: "" });
  const emptyAtFirst = (Original) => (props) => {
    if (props.requestBody?.get("required") !== false) return createElement(Original, props);
    const getComponent = (name, ...rest) => {
      const found = props.getComponent(name, ...rest);
      if (name !== "RequestBodyEditor") return found;
      Editor = found;
      return EmptyEditor;
    };
    return createElement(Original, { ...props, getComponent });
  };
  return { wrapComponents: { RequestBody: emptyAtFirst } };
}

/** Relative to this page's document, behind any path prefix. */
const DOCUMENT = new URL("../openapi.json", document.currentScript.src).href;

/** The documents to choose from: the page's own, and the neighbour's under the name used here. */
function documents({ title, neighbour, origins }) {
  const own = { name: title, url: DOCUMENT };
  const found = origins.split(" ").filter((origin) => origin !== "");
  if (found.length === 0) return [own];
  const near = found.find((origin) => new URL(origin).hostname === location.hostname);
  return [own, { name: neighbour, url: `${near ?? found[0]}/openapi.json` }];
}

window.ui = SwaggerUIBundle({
  urls: documents(document.getElementById("swagger-ui").dataset),
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  plugins: [ExactAnswers, MissingBodies],
  layout: "StandaloneLayout",
});
