#!/bin/sh
# The service that PORTA_SERVICE names; with arguments, one command: docker run porta keys list
set -eu

[ "$#" -eq 0 ] || exec porta "$@"

# A shell that is process 1 is ended by no signal, and hears of none while it waits for a command:
# what comes before the server runs beside it, and ends with it.
trap 'kill "${!:-}" 2>/dev/null || :; exit 143' TERM INT

patience=${PORTA_WAIT_TIMEOUT:-60}
case "$patience" in
  *[!0-9.]* | *.*.* | .)
    echo "PORTA_WAIT_TIMEOUT is '$patience'; it is a number of seconds" >&2
    exit 64
    ;;
esac

case "${PORTA_AUTO_MIGRATE:-false}" in
  true | false) ;;
  *)
    echo "PORTA_AUTO_MIGRATE is $PORTA_AUTO_MIGRATE; it is true or false, without quotes" >&2
    exit 64
    ;;
esac

before() {
  porta "$@" &
  wait "$!"
}

case "${PORTA_SERVICE:-server}" in
  server)
    before health --settings --wait "$patience" >/dev/null
    [ "${PORTA_AUTO_MIGRATE:-false}" != true ] || before migrate up
    exec porta serve
    ;;
  worker)
    before health --settings --wait "$patience" >/dev/null
    [ "${PORTA_AUTO_MIGRATE:-false}" != true ] || before migrate up
    exec porta worker
    ;;
  *)
    echo "PORTA_SERVICE is '$PORTA_SERVICE'; this image knows: server, worker" >&2
    exit 64
    ;;
esac
