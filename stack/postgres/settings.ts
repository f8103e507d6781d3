/** Settings of postgresql.conf by name. */
export type Settings = Readonly<Record<string, string>>;

/** WAL that the primary keeps for a disconnected standby; one that needs more is copied again. */
const WAL_KEPT_MAX = "1GB";
/** Services, tests and tools together; a connection costs some MB only once it is used. */
const CONNECTIONS_MAX = 300;

export interface RoleSettings {
  readonly port: number;
  readonly standbys: readonly string[];
  /** false skips every fsync: a crash of the machine (not of a process) loses the data. */
  readonly durable: boolean;
}

/** The common settings of primary and standby; each must be able to become the other. */
export function commonSettings({ port, standbys, durable }: RoleSettings): Settings {
  return {
    listen_addresses: "127.0.0.1",
    port: String(port),
    // No socket: its lock file in /tmp would tie data directories that share a port number.
    unix_socket_directories: "",
    max_connections: String(CONNECTIONS_MAX),
    shared_buffers: "128MB",
    wal_level: "replica",
    max_slot_wal_keep_size: WAL_KEPT_MAX,
    // Every listed standby has applied a commit before it is acknowledged, so reads on it are
    // current.
    synchronous_commit: "remote_apply",
    synchronous_standby_names: standbys.length === 0
      ? ""
      : `FIRST ${standbys.length} (${standbys.join(", ")})`,
    hot_standby: "on",
    // Maximum delay of commits by a read on the standby that conflicts with replay.
    max_standby_streaming_delay: "100ms",
    hot_standby_feedback: "on",
    // Interval of the standby's attempts while its primary is unavailable.
    wal_retrieve_retry_interval: "100ms",
    // Maximum wait of the primary's clean shutdown for a hanging standby.
    wal_sender_timeout: "10s",
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
  };
}

export function standbySettings(name: string, primaryPort: number, password: string): Settings {
  return {
    primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=postgres password=${password} ` +
      `application_name=${name}`,
    primary_slot_name: name,
  };
}

export function renderSettings(settings: Settings): string {
  const lines = Object.entries(settings).map(([name, value]) =>
    `${name} = '${value.replaceAll("'", "''")}'`
  );
  return `# Written at every start.\n${lines.join("\n")}\n`;
}
