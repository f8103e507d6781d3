import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { kafkaJars } from "../../stack/kafka/jars.ts";
import { findRuntime } from "../../stack/processes/runtimes.ts";
import { CACHE, podman, PROJECT_DIRECTORY, run, tryRun } from "./engine.ts";

// Builds our image from its Dockerfile, with a stand-in for its base image, and stand-ins for the
// other images of the core profile. docs/containers.md lists what they cannot test.

const TOOLS = [
  "podman-compose==1.6.0",
  "check-jsonschema==0.39.0",
  "kubernetes-validate==1.37.0",
];
const DEBIAN = "stand-in/debian";
const DEBIAN_RELEASE = "trixie";
const STAND_INS = join(PROJECT_DIRECTORY, "deploy/test/stand-ins");

/** The tag in the compose file or the Dockerfile, the only places with its version. */
function tagOf(repository: string, file: string): string {
  const text = readFileSync(join(PROJECT_DIRECTORY, file), "utf8");
  const tag = new RegExp(`^(?:FROM|  +image:) (${repository}:\\S+)`, "m").exec(text)?.[1];
  if (!tag) throw new Error(`${file} names no image of ${repository}`);
  return tag;
}

function installTools(): void {
  const directory = join(CACHE, "tools");
  const done = join(directory, TOOLS.join(","));
  if (existsSync(done)) return;
  step("podman-compose");
  rmSync(directory, { recursive: true, force: true });
  run("python3", ["-m", "venv", directory]);
  run(join(directory, "bin/pip"), ["install", "-q", ...TOOLS]);
  writeFileSync(done, "");
}

function importDebian(): void {
  if (tryRun("podman", ["image", "exists", DEBIAN]).code === 0) return;
  step("a base from Debian packages");
  const root = mkdtempSync(join(tmpdir(), "marketplace-debian-"));
  try {
    run("debootstrap", ["--variant=minbase", DEBIAN_RELEASE, root]);
    run("sh", ["-c", `tar -C ${root} -c . | podman import -q - ${DEBIAN}:latest`]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

interface BuildOptions {
  /** Folders that the Dockerfile copies from, by its names for them. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Mounts during the build, in the format of podman's --volume. */
  readonly mounts?: readonly string[];
}

function build(
  tag: string,
  context: string,
  { contexts = {}, mounts = [] }: BuildOptions = {},
): void {
  step(tag);
  const named = Object.entries(contexts).map(([name, path]) => `--build-context=${name}=${path}`);
  const mounted = mounts.map((mount) => `--volume=${mount}`);
  const how = ["bud", "--isolation", "chroot", "--pull-never", "--layers", "--format", "docker"];
  run("buildah", [...how, ...named, ...mounted, "-t", tag, context]);
}

/** The folder of the current npm. */
function ownNpm(): string {
  const { npm_execpath: npm } = process.env;
  if (!npm) throw new Error("npm is required in the image: start this with `npm run test:compose`");
  return resolve(npm, "../..");
}

/**
 * The settings of npm for its registry, and its cache: mounted while an image is built, so that no
 * image contains them.
 */
function npmMounts(): string[] {
  const [settings, packages] = [join(CACHE, "npm-settings"), join(CACHE, "npm")];
  for (const directory of [settings, packages]) mkdirSync(directory, { recursive: true });
  const npmrc = ["cache=/var/cache/npm", `registry=${run("npm", ["config", "get", "registry"])}`];
  const authorities = [run("npm", ["config", "get", "cafile"]), process.env.NODE_EXTRA_CA_CERTS]
    .find((path) => path !== undefined && existsSync(path));
  if (authorities) {
    copyFileSync(authorities, join(settings, "ca.crt"));
    npmrc.push("cafile=/usr/local/etc/ca.crt");
  }
  writeFileSync(join(settings, "npmrc"), npmrc.map((line) => `${line}\n`).join(""));
  return [`${settings}:/usr/local/etc:ro`, `${packages}:/var/cache/npm`];
}

function step(what: string): void {
  process.stdout.write(`building ${what}\n`);
}

installTools();
importDebian();
const node = findRuntime("node");
if (!node) throw new Error("Node is not installed: run npm ci");
build(tagOf("node", "Dockerfile"), join(STAND_INS, "node"), {
  contexts: { node: dirname(node), npm: ownNpm() },
});
build(tagOf("postgres", "docker-compose.yml"), join(STAND_INS, "postgres"));
build(tagOf("haproxy", "docker-compose.yml"), join(STAND_INS, "haproxy"));
const jars = await kafkaJars(CACHE);
build(tagOf("apache/kafka", "docker-compose.yml"), join(STAND_INS, "kafka"), {
  contexts: { jars },
});
build("marketplace:local", PROJECT_DIRECTORY, { mounts: npmMounts() });
podman("image", "prune", "--force");
