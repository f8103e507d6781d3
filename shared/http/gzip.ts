import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

/** Below it, compressing costs more than the bytes that it saves. */
export const GZIP_MIN_BYTES = 2048;
/** An answer that is made once is worth a little time, not much: most of what can be won. */
const LEVEL = constants.Z_BEST_SPEED;

const compress = promisify(gzip);

/** Compresses outside of the event loop. */
export async function gzipped(body: string | Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await compress(body, { level: LEVEL }));
}

/** Whether a content type is text, which shrinks; pictures have shrunk already. */
export function isCompressible(type: string | undefined): boolean {
  return type !== undefined && /^text\/|[/+]json\b|^image\/svg/.test(type);
}
