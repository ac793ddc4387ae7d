#!/usr/bin/env bash
# ./standalone.sh [-d] [--once] conf/<usecase>/<usecase>.conf
#
# Runs one use case. Builds dataShark first where it is not built or its sources have changed, unless
# an installed one of the same version is found ($DATASHARK_HOME/bin, then PATH). Arguments, results
# and exit status are those of `datashark standalone`; 2 also where it cannot be built.
set -o pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=.ci/binary.sh
. "$here/.ci/binary.sh"

usage() {
    say "usage: ./standalone.sh [-d] [--once] conf/<usecase>/<usecase>.conf"
    say "  -d      print results to the console in place of the outputs"
    say "  --once  read what is there now to its end, then exit"
    say "confs here: $(cd "$root" && echo conf/*/*.conf)"
}

if [ $# -eq 0 ]; then
    usage
    exit 2
fi
find_binary "$@"
exec "$datashark" standalone "$@"
