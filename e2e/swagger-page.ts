import type { Page } from "playwright-core";

/** The response as the page shows it. */
export interface Shown {
  readonly status: string;
  /** The text of the body; "" if none is shown. */
  readonly body: string;
}

export interface Filled {
  /** Parameters of the path, by name. */
  readonly params?: Readonly<Record<string, string>>;
  /** Without one, the body is the example of the page. */
  readonly body?: string;
}

/** Opens Swagger UI of a service, and waits until it shows the operations. */
export async function openSwagger(page: Page, base: string): Promise<void> {
  await showSwagger(page, `${base}/swagger-ui`);
}

/** The same for the page at this address. */
export async function showSwagger(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.locator(".opblock").first().waitFor();
}

/** Unfolds an operation, fills in its form, executes it and reads the answer, as a person would. */
export async function tryOut(page: Page, operationId: string, filled: Filled): Promise<Shown> {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`);
  const execute = operation.getByRole("button", { name: "Execute" });
  if (!await execute.isVisible()) await operation.locator(".opblock-summary").click();
  for (const [name, value] of Object.entries(filled.params ?? {})) {
    await operation.locator(`[data-param-name="${name}"] input`).fill(value);
  }
  if (filled.body !== undefined) {
    await operation.locator("textarea.body-param__text").fill(filled.body);
  }
  // Otherwise an earlier response on the page could be read as the new one.
  const clear = operation.getByRole("button", { name: "Clear", exact: true });
  if (await clear.isVisible()) await clear.click();
  await execute.click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  const body = answer.locator(".response-col_description .highlight-code code, pre.microlight");
  return {
    status: (await answer.locator(".response-col_status").innerText()).trim(),
    body: await body.count() > 0 ? await body.first().innerText() : "",
  };
}
