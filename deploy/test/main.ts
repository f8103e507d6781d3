import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { CACHE, makeCache, PROJECT_DIRECTORY, whyNoContainers } from "./engine.ts";

// `npm run test:compose`. Its processes and mounts are in their own namespaces. The kernel removes
// these with their first process, which ends with this one, so nothing is left however this ends.
// The images are built with the machine's network. The system runs in its own network, where every
// documented port is free.

/** One run at a time: all runs share one storage of images and containers. */
const LOCK = join(CACHE, "lock");
const LOCKED = ["flock", "--no-fork", LOCK];
const DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"];
const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** The folder of podman's mounts and locks. */
const PRIVATE = ["/run/netns", "/run/netavark", "/run/libpod", "/run/containers", "/dev/shm"];
const BUILD = "exec node deploy/test/build-images.ts";
const TESTS = "exec vitest run --project compose";

const reason = whyNoContainers();
if (reason === undefined) {
  makeCache();
  if (spawnSync("flock", ["--nonblock", LOCK, "true"]).status !== 0) {
    process.stdout.write("another run is in progress; waiting for it\n");
  }
  const built = inside([], BUILD);
  // The tests print their own closing line.
  if (built !== 0) fail("The images cannot be built");
  process.exitCode = inside(["--net"], `ip link set lo up && ${TESTS}`);
} else if (process.env.COMPOSE_TESTS === "required") {
  fail(`Cannot test the containers: ${reason}`);
} else {
  process.stdout.write(`The tests of the containers are skipped: ${reason}\n`);
  process.exitCode = run(["sh", "-c", TESTS], "no");
}

/** The exit code of a script whose processes and mounts end with it. */
function inside(more: readonly string[], script: string): number {
  const empty = PRIVATE.map((path) => `mkdir -p ${path} && mount -t tmpfs tmpfs ${path}`);
  const shell = ["sh", "-c", [...empty, script].join(" && ")];
  return run([...DIES_WITH_US, ...LOCKED, "unshare", ...NAMESPACES, ...more, ...shell], "yes");
}

function run([command = "", ...args]: readonly string[], containers: "yes" | "no"): number {
  const env = { ...process.env, CONTAINERS: containers };
  const { status } = spawnSync(command, args, { cwd: PROJECT_DIRECTORY, stdio: "inherit", env });
  return status ?? 1;
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.stdout.write("\n0 passed, 1 failed, 0 skipped\n");
  process.exit(1);
}
