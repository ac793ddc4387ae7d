#!/usr/bin/env bash
# The service of this crate's own tests: a process that sleeps.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

prepare() {
    [ -z "${MISSING:-}" ] || skip "$MISSING"
}

run() {
    sleep "${SLEEP:-1000}" >"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    # A server that ended at once has ended by now.
    sleep 0.2
}

describe() {
    echo "port=${ports[0]}"
    echo "greeting=${GREETING:-}"
}

serve "$@"
