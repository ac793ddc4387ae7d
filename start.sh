#!/usr/bin/env bash
# ./start.sh [-l|--local] [folder of confs]
#
# Runs every enabled use case of `conf/*/*.conf` until it is told to stop (Ctrl-C, SIGTERM); SIGHUP or
# `datashark reload` makes it read the confs again. Builds dataShark first, as ./standalone.sh does.
# Arguments and exit status are those of `datashark start`.
set -o pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=.ci/binary.sh
. "$here/.ci/binary.sh"

usage() {
    say "usage: ./start.sh [-l|--local] [folder of confs]"
    say "confs here: $(cd "$root" && echo conf/*/*.conf)"
}

find_binary "$@"
exec "$datashark" start "$@"
