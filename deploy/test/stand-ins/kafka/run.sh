#!/usr/bin/env bash
# Starts as the apache/kafka image does: writes the properties from the environment, formats the
# storage once, and runs the broker.
set -e

java=(java -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn
  -cp "/opt/kafka/libs/*")

if ! output=$("${java[@]}" kafka.docker.KafkaDockerWrapper setup \
  --default-configs-dir /etc/kafka/docker \
  --mounted-configs-dir /mnt/shared/config \
  --final-configs-dir /opt/kafka/config 2>&1); then
  if ! grep -q -i "already formatted" <<<"$output"; then
    echo "$output"
    exit 1
  fi
fi

# shellcheck disable=SC2086
exec "${java[@]:0:1}" ${KAFKA_HEAP_OPTS:-} "${java[@]:1}" \
  kafka.Kafka /opt/kafka/config/server.properties
