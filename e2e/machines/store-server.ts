import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { freePorts } from "../../stack/ports.ts";
import { type Child, spawnChild, SYSTEM_PATH } from "../../stack/processes/child.ts";
import { sendSignal } from "../../stack/processes/identity.ts";
import { eventually } from "../eventually.ts";

export interface StoreServerOptions {
  /** `redis-server` or `valkey-server`, as an absolute path. */
  readonly program: string;
  readonly directory: string;
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Connection options of its clients. */
  readonly client?: Pick<RedisOptions, "password" | "tls">;
  /** A configuration file, which sentinels rewrite. */
  readonly configFile?: string;
  readonly isClusterNode?: boolean;
}

/** A process of Valkey or Redis, a server or a sentinel. */
export interface StoreServer {
  readonly port: number;
  /** The port for the other nodes of a cluster. */
  readonly busPort: number;
  /** Runs a command of an administrator. */
  command(...args: readonly string[]): Promise<unknown>;
  /** Starts it again with the same data. */
  restart(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
}

/** Starts a server that loses no acknowledged write on kill -9; it answers when this resolves. */
export async function startStoreServer(options: StoreServerOptions): Promise<StoreServer> {
  const { client: connection = {}, args = [] } = options;
  const [port = 0, busPort = 0] = await freePorts(2);
  const directory = join(options.directory, String(port));
  mkdirSync(directory, { recursive: true });
  const client = () =>
    new Redis({ host: "127.0.0.1", port, lazyConnect: true, retryStrategy: null, ...connection })
      .on("error", () => {});
  let child: Child;

  async function command(...words: readonly string[]): Promise<unknown> {
    const [name = "", ...rest] = words;
    const admin = client();
    try {
      return await admin.call(name, ...rest);
    } finally {
      admin.disconnect();
    }
  }

  async function start(): Promise<void> {
    child = await spawnChild({
      command: options.program,
      args: [
        ...options.configFile ? [options.configFile] : [],
        ...connection.tls ? ["--port", "0", "--tls-port", `${port}`] : ["--port", `${port}`],
        ...["--bind", "127.0.0.1", "--dir", directory, "--save", ""],
        ...["--enable-debug-command", "local"],
        ...options.isClusterNode ? ["--cluster-port", `${busPort}`] : [],
        ...options.configFile ? ["--sentinel"] : ["--appendonly", "yes"],
        ...args,
      ],
      environment: { PATH: SYSTEM_PATH },
      deathSignal: "SIGKILL",
    });
    child.process.stdout?.resume();
    child.process.stderr?.resume();
    await eventually(async () => {
      if (await command("ping") !== "PONG") throw new Error(`${options.program} is not ready`);
    });
  }

  await start();
  return {
    ...{ port, busPort, command },
    restart: start,
    async kill() {
      sendSignal(child.pid, "SIGKILL");
      await child.ended;
    },
    pause: () => void sendSignal(child.pid, "SIGSTOP"),
    resume: () => void sendSignal(child.pid, "SIGCONT"),
  };
}
