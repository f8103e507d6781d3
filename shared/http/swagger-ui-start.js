// Starts Swagger UI; runs in the browser. A file of its own, because the page's policy allows no
// inline script.

/** JSON laid out for reading, every number with the digits that were sent. */
function layOut(text) {
  const keepDigits = (_key, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value)
      ? JSON.rawJSON(context.source)
      : value;
  try {
    return JSON.stringify(JSON.parse(text, keepDigits), null, 2);
  } catch {
    // It is no JSON, or the browser does not know `source` yet: as it was sent is exact, too.
    return text;
  }
}

/**
 * Shows JSON answers instead of Swagger UI's own way, which rounds beyond 2^53 (its issue 10049).
 */
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
 * Proposes no body where a request may be sent without one. Swagger UI would fill in the example,
 * and send it unless it is cleared.
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

/** Of this page's document, which lies beside the folder of this script, behind any path prefix. */
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
