#!/bin/sh
# The service that PORTA_SERVICE names; with arguments, one command: docker run porta keys list
set -eu

[ "$#" -eq 0 ] || exec porta "$@"

wait_for_databases() { # up to PORTA_WAIT_TIMEOUT seconds, which mend no settings
  left="${PORTA_WAIT_TIMEOUT:-60}"
  until said="$(porta health 2>&1)"; do
    case "$said" in *'settings cannot be used'*) left=0 ;; esac
    [ "$left" -gt 0 ] || { echo "$said" >&2; exit 1; }
    left=$((left - 1))
    sleep 1
  done
}

case "${PORTA_SERVICE:-server}" in
  server)
    wait_for_databases
    [ "${PORTA_AUTO_MIGRATE:-false}" != true ] || porta migrate up
    exec porta serve
    ;;
  *)
    echo "PORTA_SERVICE is '$PORTA_SERVICE'; this image knows: server" >&2
    exit 64
    ;;
esac
