#!/bin/sh
# Each sentinel has its own configuration file, because it rewrites the file. It resolves names
# repeatedly, because addresses of containers change.
set -eu
cat >/tmp/sentinel.conf <<CONF
port 26379
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $(hostname)
sentinel monitor shop valkey1 6379 2
sentinel auth-pass shop $VALKEY_PASSWORD
sentinel down-after-milliseconds shop 3000
sentinel failover-timeout shop 10000
requirepass $VALKEY_PASSWORD
CONF
exec valkey-sentinel /tmp/sentinel.conf
