#!/usr/bin/env bash
# What docker-compose.yml relies on of the entrypoint of the postgres image: on an empty volume it makes
# a cluster with the superuser's password, lets everybody but replication in with a password, runs the
# scripts of /docker-entrypoint-initdb.d against a server that no one else reaches, and then becomes
# the server.
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
