#!/bin/sh
# Requests the primary from the sentinels, so that a former primary restarts as a replica. If none
# answers, the primary is valkey1.
set -eu
self=$(hostname)
primary=valkey1
for sentinel in sentinel1 sentinel2 sentinel3; do
  known=$(valkey-cli -h "$sentinel" -p 26379 --pass "$VALKEY_PASSWORD" --no-auth-warning \
    sentinel get-primary-addr-by-name shop 2>/dev/null | head -n 1) || known=
  if [ -n "$known" ]; then
    primary=$known
    break
  fi
done
set -- --requirepass "$VALKEY_PASSWORD" --primaryauth "$VALKEY_PASSWORD" --dir /data \
  --appendonly yes --appendfsync everysec --replica-announce-ip "$self" \
  --maxmemory-policy noeviction
if [ "$primary" != "$self" ]; then set -- "$@" --replicaof "$primary" 6379; fi
exec valkey-server "$@"
