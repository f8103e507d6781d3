#!/usr/bin/env bash
# Requests the API versions of the broker, as kafka-broker-api-versions.sh does, without starting a
# JVM every few seconds.
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/${1:-9092}"
# Size 10, ApiVersions (18) version 0, correlation id 1, no client id.
printf '\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff' >&3
# The first 10 bytes of the answer: size, correlation id, error code.
answer=$(timeout 3 head -c 10 <&3 | od -An -v -tx1 | tr -d ' \n')
[[ ${answer:8} == 000000010000 ]]
