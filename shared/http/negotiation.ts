import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

/** Ranges that include application/json in an Accept header, the most specific first. */
const JSON_RANGES = ["application/json", "application/*", "*/*"];
/** Below this size compression costs more than it saves. */
export const GZIP_MIN_BYTES = 2048;

const compress = promisify(gzip);

/** Whether the value of an Accept header includes JSON. */
export function acceptsJson(accept: string): boolean {
  return accepts(accept, JSON_RANGES);
}

/** Whether Accept-Encoding names gzip and does not exclude it. */
export function acceptsGzip(headers: Headers): boolean {
  const accepted = headers.get("accept-encoding");
  return accepted !== null && accepts(accepted, ["gzip", "*"]);
}

/** Whether the first of `ranges` that the header names has a quality above 0. */
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
  // A quality that is not a number excludes the range.
  return [name, quality === undefined ? 1 : Number.parseFloat(quality.slice(2)) || 0];
}

/** Compresses outside the event loop, for speed rather than size: most answers are sent once. */
export async function gzipped(body: string | Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await compress(body, { level: constants.Z_BEST_SPEED }));
}

/** Whether a content type is text, which gzip shrinks; images are compressed already. */
export function isCompressible(type: string | undefined): boolean {
  return type !== undefined && /^text\/|[/+]json\b|^image\/svg/.test(type);
}
