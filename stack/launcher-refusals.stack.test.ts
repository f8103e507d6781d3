import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PROJECT_DIRECTORY } from "./services.ts";
import { type RunningProgram, runProgram } from "./test/run-program.ts";

const START_TIMEOUT_MS = 60_000;
/** The account without privileges on every Linux. */
const UNPRIVILEGED_UID = "65534";
const AS_NOBODY = [
  "setpriv",
  "--reuid",
  UNPRIVILEGED_UID,
  "--regid",
  UNPRIVILEGED_UID,
  "--clear-groups",
];
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];
const LAUNCHER = [process.execPath, ...RUN, "stack/main.ts", "--free-ports"];
/** `sh -c` with mount options, the mount point, and the command to run with the mount. */
const WITH_MOUNT = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"';

const isRoot = process.getuid?.() === 0;
const canMount = isRoot &&
  spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]).status === 0;
if (!canMount) {
  process.stdout.write("Mounts are not permitted: skips the tests of full and read-only disks\n");
}
const canDropRights = isRoot &&
  spawnSync("setpriv", [...AS_NOBODY.slice(1), process.execPath, "--version"], {
      cwd: PROJECT_DIRECTORY,
    }).status === 0 &&
  spawnSync("setpriv", [...AS_NOBODY.slice(1), "test", "-r", "package.json"], {
      cwd: PROJECT_DIRECTORY,
    }).status === 0;
if (!canDropRights) {
  process.stdout.write("No unprivileged account: skips the test of another user's folder\n");
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "refusals "));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function run(
  command: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): RunningProgram {
  return runProgram(command, { STACK_DATA: directory, ...settings });
}

/** The single line with which a start is refused. */
async function refusal(
  settings: Readonly<Record<string, string>> = {},
  command: readonly string[] = LAUNCHER,
): Promise<string> {
  const { said, ended } = run(command, settings);
  expect(await ended, said.err).toBe(1);
  expect(said.out).toBe("");
  expectNothingLeft();
  return said.err.trimEnd();
}

/** No process uses the directory, and it has no lock. */
function expectNothingLeft(): void {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  const left = pids.filter((pid) => pid !== String(process.pid) && usesDirectory(pid));
  expect(left, "processes").toEqual([]);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  expect(names.filter((name) => /^(launcher|stack)\./.test(name))).toEqual([]);
}

/** PostgreSQL has the directory in its arguments, a service in its environment. */
function usesDirectory(pid: string): boolean {
  return ["cmdline", "environ"].some((name) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "utf8").includes(directory);
    } catch {
      return false;
    }
  });
}

test("a data directory that is a file, or below one, is refused", async () => {
  const file = join(directory, "postgres");
  writeFileSync(file, "");
  expect(await refusal({ STACK_DATA: file })).toBe(
    `Cannot use ${file} for the data: a file has that name`,
  );
  expect(await refusal({ STACK_DATA: join(file, "data") })).toBe(
    `Cannot use ${file}/data for the data: a file has the name of a folder above it`,
  );
});

test("a folder that is not a data directory of PostgreSQL is left unchanged", async () => {
  const primary = join(directory, "postgres", "primary");
  mkdirSync(primary, { recursive: true });
  writeFileSync(join(primary, "notes"), "mine");
  expect(await refusal()).toBe(
    `${primary} is no PostgreSQL data directory: move it away or set another STACK_DATA`,
  );
  writeFileSync(join(primary, "PG_VERSION"), "15\n");
  expect(await refusal()).toMatch(/primary was written by PostgreSQL 15, this is 18: move it away/);
  expect(readdirSync(primary).toSorted()).toEqual(["PG_VERSION", "notes"]);
});

test.each([
  [{ CART_HTTP: "nowhere" }, /^Wrong settings:\n {2}CART_HTTP: "nowhere" is not an address/],
  [
    { OTEL_METRICS_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    /^Wrong settings:\n {2}OTEL_METRICS_EXPORTER: [^\n]+\n {2}OTEL_EXPORTER_OTLP_PROTOCOL: /,
  ],
  [{ LOG_FORMAT: "xml" }, /^Wrong settings:\n {2}LOG_FORMAT: /],
  [{ CART_HTTP: "192.0.2.1:8082" }, /^Cannot listen on 192\.0\.2\.1:8082: this machine has no/],
])("the setting %j is refused", async (settings, sentence) => {
  expect(await refusal(settings)).toMatch(sentence);
});

test("--observe is refused with a setting that configures spans", async () => {
  expect(await refusal({ OTEL_TRACES_EXPORTER: "none" }, [...LAUNCHER, "--observe"])).toBe(
    "OTEL_TRACES_EXPORTER already configures spans: " +
      "unset it, or start without --observe",
  );
});

test.skipIf(!canMount).each([
  ["ro", "it is read-only"],
  ["size=20m", "no space is left"],
  ["size=70m", "no space is left"],
])("a data directory on a mount with %s is refused", async (options, reason) => {
  const inside = ["sh", "-c", WITH_MOUNT, "sh", options, directory, ...LAUNCHER];
  expect(await refusal({}, ["unshare", "--mount", ...inside]))
    .toBe(`Cannot use ${directory} for the data: ${reason}`);
}, START_TIMEOUT_MS);

test.skipIf(!canDropRights)(
  "an unprivileged user starts the system in its own folder, and is refused another user's",
  async () => {
    chmodSync(directory, 0o755);
    const inside = { STACK_DATA: join(directory, "data"), HOME: directory };
    expect(await refusal(inside, [...AS_NOBODY, ...LAUNCHER]))
      .toBe(`Cannot use ${inside.STACK_DATA} for the data: writing there is not permitted`);
    chownSync(directory, Number(UNPRIVILEGED_UID), Number(UNPRIVILEGED_UID));
    const { said, signal, ended } = run([...AS_NOBODY, ...LAUNCHER], { HOME: directory });
    await vi.waitFor(() => expect(said.err).toContain("Ctrl-C stops everything"), {
      timeout: START_TIMEOUT_MS,
    });
    signal("SIGTERM");
    expect(await ended, said.err).toBe(0);
    expectNothingLeft();
  },
  2 * START_TIMEOUT_MS,
);

test.each([
  // The second name is that of the finished directory.
  ["creates its database", ["postgres/primary.new", "postgres/primary"]],
  ["starts its services", ["logs"]],
])("Ctrl-C while a start %s exits with 0 and leaves nothing", async (_when, names) => {
  const { said, signal, ended } = run(LAUNCHER);
  await vi.waitFor(() => {
    expect(names.some((name) => existsSync(join(directory, name)))).toBe(true);
  }, { timeout: START_TIMEOUT_MS, interval: 2 });
  signal("SIGINT");
  expect(await ended, said.err + said.out).toBe(0);
  expectNothingLeft();
}, 2 * START_TIMEOUT_MS);
