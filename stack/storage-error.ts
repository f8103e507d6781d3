/** Reasons for an unusable folder, by the system's error code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "writing there is not permitted",
  EPERM: "writing there is not permitted",
  EROFS: "it is read-only",
  EEXIST: "a file has that name",
  ENOTDIR: "a file has the name of a folder above it",
  ENOSPC: "no space is left",
  EDQUOT: "no space is left",
};
/** The text of PostgreSQL's programs and of cp, which report no code. */
const NO_SPACE = "No space left on device";

/** Returns an error with the reason why the data directory is unusable; other errors unchanged. */
export function storageError(directory: string, error: unknown): unknown {
  const { code = "", path, message = "" } = error as NodeJS.ErrnoException;
  // Without a path the error is not about a file: a port below 1024 is refused with EACCES, too.
  const reason = message.includes(NO_SPACE) ? REASONS["ENOSPC"] : path && REASONS[code];
  if (!reason) return error;
  return new Error(`Cannot use ${directory} for the data: ${reason}`, { cause: error });
}
