#!/usr/bin/env bash
# A replica: copies the primary once and then follows it. A complete copy is renamed to its final
# name. A replica that lacks more WAL than the primary keeps is copied again.
set -euo pipefail

# How long the copy waits for the primary.
PRIMARY_MAX_S=120

query_primary() {
  PGCONNECT_TIMEOUT=3 PGPASSWORD=$REPLICATION_PASSWORD \
    psql --host "$PRIMARY_HOST" --username replicator --dbname postgres \
    --no-align --tuples-only --set ON_ERROR_STOP=1 --command "$1"
}

slot="slot_name = '$REPLICA_NAME'"
status=$(query_primary "select wal_status from pg_replication_slots where $slot" || true)
if [[ $status == lost ]]; then
  echo "The primary no longer has what $REPLICA_NAME missed: copying it again"
  rm -rf "$PGDATA"
  query_primary "select pg_drop_replication_slot('$REPLICA_NAME')" >/dev/null
fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  until query_primary "select 1" >/dev/null; do
    if ((SECONDS > PRIMARY_MAX_S)); then
      echo "No primary at $PRIMARY_HOST within $PRIMARY_MAX_S s"
      exit 1
    fi
    sleep 1
  done
  # From here on the primary keeps the WAL that the replica needs.
  query_primary "select pg_create_physical_replication_slot('$REPLICA_NAME', true)
    where not exists (select from pg_replication_slots where $slot)" >/dev/null
  unfinished=$PGDATA.unfinished
  rm -rf "$unfinished"
  # Writes standby.signal and the connection to the primary, with the name that the primary waits
  # for and the password, which may contain any character.
  PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --pgdata "$unfinished" --wal-method stream \
    --checkpoint fast --write-recovery-conf --slot "$REPLICA_NAME" \
    --dbname "host=$PRIMARY_HOST user=replicator application_name=$REPLICA_NAME"
  chmod 700 "$unfinished"
  mv --no-target-directory "$unfinished" "$PGDATA"
fi

exec postgres -c config_file=/etc/postgresql/postgresql.conf
