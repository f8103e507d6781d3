#!/usr/bin/env bash
# Patroni runs it once on the first primary, with its URL. It creates a database with its own owner
# for each service. deploy/postgres/initdb/roles.sh does the same without Patroni.
set -euo pipefail

# There is no replica yet for a commit to wait for.
export PGOPTIONS="-c synchronous_commit=local"

psql "$1" --set ON_ERROR_STOP=1 \
  --set loms_password="$LOMS_DATABASE_PASSWORD" \
  --set notifier_password="$NOTIFIER_DATABASE_PASSWORD" <<'SQL'
create role loms login password :'loms_password';
create role notifier login password :'notifier_password';
-- loms queries which replicas follow, and which of them commits wait for.
grant pg_read_all_stats to loms;
create database loms owner loms;
create database notifier owner notifier;
SQL
