#!/bin/sh
# A sentinel writes its own file, so it starts from one of its own. Names are resolved again, since the
# address of a container changes.
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
