#!/usr/bin/env bash
# podman as podman-compose expects it. Debian's 4.3 does not wait for health checks, and without
# systemd it does not run them: here the process that waits runs them. It does not support the
# interval of a start and fails on dependencies of dependencies, for which podman-compose waits
# itself.
set -euo pipefail

case "${1:-}" in
  --version)
    # The first that waits for a health.
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
