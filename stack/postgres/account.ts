import { lstatSync } from "node:fs";
import process from "node:process";
import { hasSetpriv } from "../processes/child.ts";

/** The UID without privileges on every Linux. */
const UNPRIVILEGED_UID = 65_534;

/**
 * PostgreSQL refuses to run as root. As root it runs as the owner of its data directory, or as UID
 * 65534, and keeps the capability to pass through directories that only root may enter, because the
 * project may be in one. (`no_setuid_fixup` is for access(2), which would otherwise lose that
 * right.) An ordinary user needs none of this.
 * @returns arguments for setpriv
 * @throws {Error} as root without setpriv
 */
export function postgresAccount(dataDirectory: string): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  if (!hasSetpriv()) {
    throw new Error(
      "PostgreSQL does not run as root and there is no setpriv (util-linux) " +
        "to change the account: start as an ordinary user",
    );
  }
  const { uid, gid } = ownerOf(dataDirectory);
  return [
    ...["--reuid", String(uid), "--regid", String(gid), "--clear-groups"],
    ...["--inh-caps", "-all,+dac_override", "--ambient-caps", "-all,+dac_override"],
    ...["--securebits", "+no_setuid_fixup"],
  ];
}

function ownerOf(directory: string): { uid: number; gid: number } {
  const owner = lstatSync(directory, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? owner : { uid: UNPRIVILEGED_UID, gid: UNPRIVILEGED_UID };
}
