import type { Dashboard } from "../dashboard.ts";
import { durations, gauge, perSecond, share } from "../promql.ts";

const COUNT = "db_client_operation_duration_seconds_count";
const ON = "db_client_connection_pool_name";
const READS = `db_operation_name="select"`;
const WRITES = `db_operation_name!="select", ${ON}="primary"`;
const FAILED = `error_type=~"internal|unavailable|deadline_exceeded"`;

export const replication: Dashboard = {
  name: "replication",
  title: "PostgreSQL replication",
  about: "Whether commits reach the synchronous replica, what that costs, and who serves reads; " +
    "all as seen by the probes of loms.",
  rows: [
    {
      title: "Commits",
      panels: [
        {
          title: "State",
          about: "1 for the current state.",
          unit: "short",
          queries: [gauge("db_replication_state", "instance, state")],
        },
        {
          title: "Duration of writes",
          about: "A write is answered after the replica has applied its commit.",
          unit: "s",
          queries: durations(
            "db_client_operation_duration_seconds",
            `{job="loms", ${WRITES}}`,
            "db_operation_name",
          ),
        },
        {
          title: "Writes that took longer than 100 ms",
          unit: "percentunit",
          queries: [{
            expr: [["le", "0.1"], ["le", "+Inf"]].map(([label, bound]) =>
              `sum(rate(db_client_operation_duration_seconds_bucket{job="loms", ${WRITES}, ` +
              `${label}="${bound}"}[$__rate_interval]))`
            ).reduce((quick, all) => `1 - ${quick} / ${all}`),
            legend: "slow",
          }],
        },
      ],
    },
    {
      title: "Reads",
      panels: [
        {
          title: "Statements by server",
          unit: "ops",
          queries: [
            perSecond(`${COUNT}{job="loms"}`, "db_client_connection_pool_name, db_operation_name"),
          ],
        },
        {
          title: "Share of reads served by replicas",
          about: "The others are queries of the outbox and of replication.",
          unit: "percentunit",
          queries: [share(
            `${COUNT}{job="loms", ${READS}, ${ON}="replica"}`,
            `${COUNT}{job="loms", ${READS}}`,
            "replica",
          )],
        },
        {
          title: "Duration of reads",
          unit: "s",
          queries: durations(
            "db_client_operation_duration_seconds",
            `{job="loms", ${READS}}`,
            "db_client_connection_pool_name",
          ),
        },
        {
          title: "Statements that fail on the primary",
          unit: "percentunit",
          queries: [share(
            `${COUNT}{job="loms", ${ON}="primary", ${FAILED}}`,
            `${COUNT}{job="loms", ${ON}="primary"}`,
            "failed",
          )],
        },
        {
          title: "Statements that fail on a replica",
          about: "They are repeated on the primary.",
          unit: "percentunit",
          queries: [share(
            `${COUNT}{job="loms", ${ON}="replica", ${FAILED}}`,
            `${COUNT}{job="loms", ${ON}="replica"}`,
            "failed",
          )],
        },
      ],
    },
  ],
};
