import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../../stack/ports.ts";
import { postgresAccount } from "../../stack/postgres/account.ts";
import { type Child, spawnChild, SYSTEM_PATH } from "../../stack/processes/child.ts";
import { identify, signalTree } from "../../stack/processes/identity.ts";
import { TcpLine } from "../../stack/test/tcp-line.ts";
import { eventually } from "../eventually.ts";
import { patroniSettings } from "./patroni-settings.ts";

export interface MemberOptions {
  readonly name: string;
  readonly patroni: string;
  /** Its directory, readable for the account that runs PostgreSQL. */
  readonly directory: string;
  readonly etcdPort: number;
}

/**
 * One machine of a Patroni cluster: Patroni and the PostgreSQL that it starts. Its connections to
 * etcd, those of other members to it and HAProxy's checks can be cut. Clients connect to its
 * PostgreSQL directly.
 */
export class PatroniMember {
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly #options: MemberOptions;
  readonly #lines: readonly TcpLine[];
  #patroni: Child | undefined;

  private constructor(
    options: MemberOptions,
    { port, restPort, lines }: {
      readonly port: number;
      readonly restPort: number;
      readonly lines: readonly TcpLine[];
    },
  ) {
    this.name = options.name;
    this.port = port;
    this.restPort = restPort;
    this.#options = options;
    this.#lines = lines;
  }

  /** Starts it; it may not be a member yet when this resolves. */
  static async start(options: MemberOptions): Promise<PatroniMember> {
    const { directory, name, etcdPort } = options;
    const [postgres = 0, rest = 0] = await freePorts(2);
    const [toEtcd, toPostgres, toRest] = await Promise.all([
      TcpLine.toPort(etcdPort),
      TcpLine.toPort(postgres),
      TcpLine.toPort(rest),
    ]);
    mkdirSync(directory, { recursive: true });
    const settings = patroniSettings(directory, name, {
      postgres,
      rest,
      postgresFromOthers: toPostgres.port,
      restFromOthers: toRest.port,
      etcd: toEtcd.port,
    });
    writeFileSync(join(directory, "patroni.yml"), settings);
    const member = new PatroniMember(options, {
      port: postgres,
      restPort: toRest.port,
      lines: [toEtcd, toPostgres, toRest],
    });
    await member.#spawn();
    return member;
  }

  /** The URL of its PostgreSQL, whatever its role. */
  url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** kill -9 of Patroni and PostgreSQL, as when the machine loses its power. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#patroni?.ended;
    await this.#postgresEnded();
  }

  /** Freezes all of its processes: their connections stay open and nothing answers. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  /** Freezes Patroni only: nothing makes PostgreSQL step down. */
  pausePatroni(): void {
    this.#signalPatroni("SIGSTOP");
  }

  resume(): void {
    this.#signal("SIGCONT");
  }

  /** Cuts it off from etcd, from the other members and from HAProxy's checks. */
  cut(): void {
    for (const line of this.#lines) line.stopped = true;
  }

  heal(): void {
    for (const line of this.#lines) {
      line.stopped = false;
      // Packets that were lost meanwhile are not sent again.
      line.cut();
    }
  }

  /** Starts it again after {@link kill}. */
  async restart(): Promise<void> {
    await this.#spawn();
  }

  /** The logs of Patroni and PostgreSQL. */
  log(): string {
    return readFileSync(join(this.#options.directory, "log"), "utf8");
  }

  async close(): Promise<void> {
    await this.kill();
    for (const line of this.#lines) line.close();
  }

  async #spawn(): Promise<void> {
    const { patroni, directory } = this.#options;
    const output = openSync(join(directory, "log"), "a");
    try {
      this.#patroni = await spawnChild({
        command: patroni,
        args: [join(directory, "patroni.yml")],
        environment: { PATH: SYSTEM_PATH, HOME: directory, LC_ALL: "C" },
        directory,
        output,
        // PostgreSQL is not its child, and it must be able to stop PostgreSQL.
        deathSignal: "SIGTERM",
        account: postgresAccount(directory),
      });
    } finally {
      closeSync(output);
    }
  }

  #signalPatroni(signal: NodeJS.Signals): void {
    if (this.#patroni?.ending() === undefined && this.#patroni) {
      signalTree(this.#patroni.pid, signal);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    this.#signalPatroni(signal);
    const postmaster = this.#postmaster();
    if (postmaster !== undefined) signalTree(postmaster, signal);
  }

  async #postgresEnded(): Promise<void> {
    await eventually(() => {
      if (this.#postmaster() !== undefined) throw new Error("PostgreSQL still runs");
    });
  }

  #postmaster(): number | undefined {
    try {
      const file = readFileSync(join(this.#options.directory, "data/postmaster.pid"), "utf8");
      const pid = Number(file.split("\n")[0]);
      return pid > 0 && identify(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }
}
