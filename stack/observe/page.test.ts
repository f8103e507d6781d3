import { expect, test } from "vitest";

const { html } = await import(new URL("./page/elements.js", import.meta.url).href) as {
  html(parts: TemplateStringsArray, ...values: unknown[]): { readonly text: string };
};

test("html() escapes text, also in attributes", () => {
  const name = `"><img src=x onerror='alert(1)'>&`;
  const { text } = html`<a title="${name}">${name}</a>`;
  expect(text.replace(/^<a title="(.*)">(.*)<\/a>$/s, "$1$2")).not.toMatch(/[<>"']/);
});

test("html() inserts markup and lists, and omits false and undefined", () => {
  const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
  expect(html`<ul>${items}${undefined}${false}${0}</ul>`.text)
    .toBe("<ul><li>a</li><li>&#60;b&#62;</li>0</ul>");
});
