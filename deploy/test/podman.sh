#!/usr/bin/env bash
# Adapts Debian's podman 4.3 to podman-compose. podman 4.3 does not wait for health checks, and does
# not run them without systemd: here the process that waits runs them. It does not support
# start_interval, and fails on transitive dependencies, for which podman-compose waits itself.
set -euo pipefail

case "${1:-}" in
  --version)
    # The first version that waits for health checks.
    echo "podman version 4.6.0"
    ;;
  wait)
    if [[ $2 != --condition=healthy ]]; then exec podman "$@"; fi
    for container in "${@:3}"; do
      until podman healthcheck run "$container" >/dev/null 2>&1; do sleep 0.2; done
    done
    ;;
  create)
    arguments=()
    while (($# > 0)); do
      case "$1" in
        --requires=*) ;;
        --health-startup-interval) shift ;;
        # Docker leaves /tmp and /run read-only.
        --read-only) arguments+=("$1" --read-only-tmpfs=false) ;;
        *) arguments+=("$1") ;;
      esac
      shift
    done
    exec podman "${arguments[@]}"
    ;;
  *)
    exec podman "$@"
    ;;
esac
