import { join } from "node:path";
import { DEBIAN_POSTGRES } from "../programs.ts";

/** The ports of one member, all on 127.0.0.1. */
export interface MemberPorts {
  readonly postgres: number;
  readonly rest: number;
  /** For the other members' connections to its PostgreSQL. */
  readonly postgresFromOthers: number;
  /** For requests of HAProxy and the other members to its REST API. */
  readonly restFromOthers: number;
  /** For its connections to etcd. */
  readonly etcd: number;
}

/**
 * The settings in docs/replicas.md for a first write within 30 s of the primary's death. The leader
 * key expires `ttl` after its last renewal. A primary that cannot renew it steps down before that,
 * if loop_wait + 2 × retry_timeout is at most `ttl`.
 */
const FAILOVER = {
  ttl: 20,
  loop_wait: 1,
  retry_timeout: 5,
  master_start_timeout: 10,
  maximum_lag_on_failover: 1_048_576,
  synchronous_mode: true,
  synchronous_mode_strict: true,
} as const;

const PARAMETERS = {
  max_connections: 200,
  hot_standby_feedback: "on",
  max_standby_streaming_delay: "100ms",
  wal_retrieve_retry_interval: "1s",
  // A former primary can follow again without a full copy.
  wal_log_hints: "on",
} as const;

/** The configuration of one member, as JSON, which is valid YAML. */
export function patroniSettings(directory: string, name: string, ports: MemberPorts): string {
  const onLoopback = (port: number) => `127.0.0.1:${port}`;
  const account = { username: "postgres", password: "postgres" };
  return JSON.stringify(
    {
      scope: "shop",
      name,
      restapi: {
        listen: onLoopback(ports.rest),
        connect_address: onLoopback(ports.restFromOthers),
      },
      // By API v2: in 3.0.2 with v3 a primary that was frozen takes the leader's key from its
      // successor (https://github.com/patroni/patroni/pull/2689). As proxies: the addresses that
      // etcd itself names would lead around our line.
      etcd: { hosts: [onLoopback(ports.etcd)], use_proxies: true },
      bootstrap: {
        dcs: {
          ...FAILOVER,
          postgresql: { use_pg_rewind: true, use_slots: true, parameters: PARAMETERS },
        },
        initdb: [{ encoding: "UTF8" }, { locale: "C" }, "no-sync"],
      },
      postgresql: {
        listen: onLoopback(ports.postgres),
        connect_address: onLoopback(ports.postgresFromOthers),
        data_dir: join(directory, "data"),
        bin_dir: DEBIAN_POSTGRES,
        pgpass: join(directory, "pgpass"),
        authentication: { superuser: account, replication: account, rewind: account },
        pg_hba: ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
        parameters: { unix_socket_directories: directory, fsync: "off" },
        remove_data_directory_on_rewind_failure: true,
        remove_data_directory_on_diverged_timelines: true,
      },
    },
    null,
    2,
  );
}
