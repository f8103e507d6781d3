import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { whyNoKafka } from "../../stack/kafka/jars.ts";

export const PROJECT_DIRECTORY = fileURLToPath(new URL("../..", import.meta.url));
/** Images, tools and downloads, kept for the next run, which creates the missing ones. */
export const CACHE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "marketplace-containers",
);
const PODMAN_COMPOSE = join(CACHE, "tools/bin/podman-compose");
const SETTINGS = {
  containers: join(CACHE, "containers.conf"),
  storage: join(CACHE, "storage.conf"),
} as const;
const PODMAN_FOR_COMPOSE = fileURLToPath(new URL("podman.sh", import.meta.url));
/** Longer than the longest step, which installs packages in an image. */
const COMMAND_MAX_MS = 300_000;
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;
/** How much output of a failed command its error contains, in characters. */
const ERROR_OUTPUT_MAX = 3_000;

/** The required programs, by their Debian packages. */
const PROGRAMS = {
  podman: "podman",
  buildah: "buildah",
  runc: "runc",
  catatonit: "catatonit",
  debootstrap: "debootstrap",
  iptables: "iptables",
  ip: "iproute2",
  unshare: "util-linux",
  setpriv: "util-linux",
  flock: "util-linux",
  python3: "python3",
} as const;
const NETWORK_PROGRAMS = ["netavark", "aardvark-dns"];
const NETWORK_FOLDERS = ["/usr/lib/podman", "/usr/libexec/podman"];

/** crun fails if some of the controls that it needs are missing. */
const CONTAINERS_CONF = `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "${CACHE}/networks"
`;
const STORAGE_CONF = `[storage]
driver = "overlay"
graphroot = "${CACHE}/storage"
runroot = "${CACHE}/run"
`;

/** Why containers cannot run here; undefined if they can. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "only root may create the namespaces";
  const missing = new Set<string>(
    Object.entries(PROGRAMS).filter(([program]) => !succeeds("sh", "-c", `command -v ${program}`))
      .map(([, name]) => name),
  );
  for (const name of NETWORK_PROGRAMS) {
    if (!NETWORK_FOLDERS.some((folder) => existsSync(join(folder, name)))) missing.add(name);
  }
  if (missing.size > 0) return `Debian's ${[...missing].join(", ")} is not installed`;
  if (!succeeds("python3", "-c", "import ensurepip")) {
    return "Debian's python3-venv is not installed";
  }
  if (
    !succeeds("unshare", "--mount", "--pid", "--net", "--fork", "mount", "-t", "tmpfs", "t", "/mnt")
  ) {
    return "this root may not create namespaces and mount in them";
  }
  return whyNoKafka(CACHE);
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Creates the folders and settings of podman, separate from those of the machine. */
export function makeCache(): void {
  mkdirSync(join(CACHE, "networks"), { recursive: true });
  writeFileSync(SETTINGS.containers, CONTAINERS_CONF);
  writeFileSync(SETTINGS.storage, STORAGE_CONF);
}

const ENVIRONMENT = {
  CONTAINERS_CONF: SETTINGS.containers,
  CONTAINERS_STORAGE_CONF: SETTINGS.storage,
  // podman-compose adds the profiles of .env to those of its arguments; Docker Compose does not.
  COMPOSE_PROFILES: "core",
  // Without systemd no timers run the health checks: deploy/test/podman.sh does.
  DISABLE_HC_SYSTEMD: "true",
} as const;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

/** Runs a command and resolves with its exit code and output. */
export function tryRun(
  command: string,
  args: readonly string[],
  environment: Environment = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: PROJECT_DIRECTORY,
    env: { ...process.env, ...ENVIRONMENT, ...environment },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: COMMAND_MAX_MS,
    maxBuffer: OUTPUT_MAX_BYTES,
  });
  return { code: status, stdout, stderr: error ? `${stderr}\n${error.message}` : stderr };
}

/**
 * The output of a command.
 * @throws {Error} with the end of its output if it fails
 */
export function run(
  command: string,
  args: readonly string[],
  environment: Environment = {},
): string {
  const { code, stdout, stderr } = tryRun(command, args, environment);
  if (code === 0) return stdout.trim();
  const output = `${stdout}\n${stderr}`.trim().slice(-ERROR_OUTPUT_MAX);
  throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}`);
}

export function podman(...args: readonly string[]): string {
  return run("podman", args);
}

/** The same, without blocking this process. */
export async function podmanMeanwhile(...args: readonly string[]): Promise<void> {
  await promisify(execFile)("podman", args, {
    env: { ...process.env, ...ENVIRONMENT },
    timeout: COMMAND_MAX_MS,
  });
}

/** podman-compose with the core of our docker-compose.yml, as a project of this name. */
export function compose(project: string, ...args: readonly string[]): string {
  const given = ["--podman-path", PODMAN_FOR_COMPOSE, "--in-pod", "false", "-p", project];
  return run(PODMAN_COMPOSE, [...given, ...args]);
}

/** The names of the services of a profile, in order. */
export function servicesWith(profile: string): string[] {
  const args = ["config", "--services"];
  return run(PODMAN_COMPOSE, args, { COMPOSE_PROFILES: profile }).split("\n").toSorted();
}
