#!/usr/bin/env bash
# The parts of the postgres image's entrypoint that docker-compose.yml needs. On an empty volume it
# creates a cluster with the superuser's password, allows all connections except replication with a
# password, and runs the scripts of /docker-entrypoint-initdb.d on a server that accepts no other
# clients. Then it becomes the server.
set -e

if [[ $1 == postgres && ! -s $PGDATA/PG_VERSION ]]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD")
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl start --wait --options="$(printf '%q ' "${@:2}" -c listen_addresses=)"
  for script in /docker-entrypoint-initdb.d/*.sh; do
    if [[ -x $script ]]; then "$script"; else . "$script"; fi
  done
  pg_ctl stop --wait --mode=fast
fi

exec "$@"
