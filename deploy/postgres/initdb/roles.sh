#!/usr/bin/env bash
# Run once by the image's entrypoint, on a new primary: who may replicate, and a database with an owner
# of its own for each service.
set -euo pipefail

# There is no replica yet that a commit could wait for.
export PGOPTIONS="-c synchronous_commit=local"

psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
  --set replication_password="$REPLICATION_PASSWORD" \
  --set loms_password="$LOMS_DATABASE_PASSWORD" \
  --set notifier_password="$NOTIFIER_DATABASE_PASSWORD" <<'SQL'
create role replicator login replication password :'replication_password';
create role loms login password :'loms_password';
create role notifier login password :'notifier_password';
-- loms requests which replicas follow, and which of them commits wait for.
grant pg_read_all_stats to loms;
create database loms owner loms;
create database notifier owner notifier;
SQL

# What the image allows to "all" leaves replication out.
echo "host replication replicator all scram-sha-256" >>"$PGDATA/pg_hba.conf"
