#!/usr/bin/env bash
# The image's entrypoint runs it once on a new primary. It creates the role for replication, and a
# database with its own owner for each service.
set -euo pipefail

# There is no replica yet for a commit to wait for.
export PGOPTIONS="-c synchronous_commit=local"

psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
  --set replication_password="$REPLICATION_PASSWORD" \
  --set loms_password="$LOMS_DATABASE_PASSWORD" \
  --set notifier_password="$NOTIFIER_DATABASE_PASSWORD" <<'SQL'
create role replicator login replication password :'replication_password';
create role loms login password :'loms_password';
create role notifier login password :'notifier_password';
-- loms queries which replicas follow, and which of them commits wait for.
grant pg_read_all_stats to loms;
create database loms owner loms;
create database notifier owner notifier;
SQL

# The image's rule for "all" does not include replication.
echo "host replication replicator all scram-sha-256" >>"$PGDATA/pg_hba.conf"
