import type { HttpContext } from "./exchange.ts";
import { HttpRefusal } from "./problem.ts";

/** What may stand for application/json in an Accept, the most exact first. */
const JSON_RANGES = ["application/json", "application/*", "*/*"];

/**
 * Refuses a caller that says it cannot read JSON, which is all that it would get. Called when
 * nothing else is wrong with the request and before anything is done. Problems are sent whatever
 * the caller accepts: there is no other way to say what is wrong.
 * @throws {HttpRefusal} 406
 */
export function requireJsonAccepted(c: HttpContext): void {
  const accept = c.req.raw.headers.get("accept");
  if (!accept || accept === "*/*" || accept === "application/json") return;
  if (!accepts(accept, JSON_RANGES)) {
    throw new HttpRefusal(406, "The answer is application/json, which Accept does not name");
  }
}

/** Whether the caller takes gzip: it says so, and does not rule it out. */
export function acceptsGzip(headers: Headers): boolean {
  const accepted = headers.get("accept-encoding");
  return accepted !== null && accepts(accepted, ["gzip", "*"]);
}

/** Whether the most exact of `ranges` that a header names has a quality above 0. */
function accepts(header: string, ranges: readonly string[]): boolean {
  const qualities = new Map(header.toLowerCase().split(",").map(readRange));
  for (const range of ranges) {
    const quality = qualities.get(range);
    if (quality !== undefined) return quality > 0;
  }
  return false;
}

function readRange(text: string): [name: string, quality: number] {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => parameter.startsWith("q="));
  // What is no number is as good as not there.
  return [name, quality === undefined ? 1 : Number.parseFloat(quality.slice(2)) || 0];
}
