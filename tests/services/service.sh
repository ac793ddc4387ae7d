# shellcheck shell=bash
# Sourced by the script of a service: what all of them have in common. See src/lib.rs.
#
#   <name>.sh start FOLDER PORT...
#
# The script defines these functions and then calls `serve "$@"`:
#
#   prepare   fetches what is needed and writes the server's files into $folder; `skip REASON` where
#             it cannot be had here
#   run       starts the server in the background, its output to "$folder/log", and sets $pid
#   is_ready  whether the server takes requests
#   describe  prints key=value lines for the test
#
# $folder is the server's folder, "${ports[@]}" are free ports. Errors go to standard error.
set -u

services=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# How long a server may take to start, or to stop before it is killed; a loaded machine is slow.
START_SECONDS=${START_SECONDS:-300}
STOP_SECONDS=${STOP_SECONDS:-60}

# For the scripts that source this.
: "$services"
pid=

skip() {
    printf 'skipped=%s\n' "$*"
    rm -rf "$folder"
    exit 77
}

fail() {
    printf '%s: %s\n' "$0" "$*" >&2
    [ ! -f "$folder/log" ] || tail -n 40 "$folder/log" >&2
    exit 1
}

serve() {
    if [ $# -lt 3 ] || [ "$1" != start ]; then
        echo "usage: $0 start FOLDER PORT..." >&2
        exit 2
    fi
    folder=$2
    shift 2
    ports=("$@")
    # For the functions of the script.
    : "${ports[@]}"
    # Ctrl-C ends the test, whose end is the end of the input here.
    trap '' INT
    prepare </dev/null
    begin
    echo
    local command
    while read -r command; do
        case $command in
            stop) end TERM ;;
            kill) end KILL ;;
            start) begin ;;
        esac
        echo
    done
    end TERM
    rm -rf "$folder"
}

# Starts the server and says what the test has to know, with an empty line at the end.
begin() {
    local waited_until=$((SECONDS + START_SECONDS))
    run </dev/null
    until is_ready; do
        kill -0 "$pid" 2>/dev/null || fail "the server has ended"
        if [ "$SECONDS" -ge "$waited_until" ]; then
            end KILL
            fail "the server does not answer after $START_SECONDS s"
        fi
        sleep 0.1
    done
    kill -0 "$pid" 2>/dev/null || fail "the server has ended"
    describe
    echo "pid=$pid"
}

# end SIGNAL: ends the server, if it runs, and waits for it.
end() {
    local killed_at=$((SECONDS + STOP_SECONDS))
    kill -"$1" "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        [ "$SECONDS" -lt "$killed_at" ] || kill -KILL "$pid" 2>/dev/null
        # Once it is gone, bash has reaped it.
        sleep 0.05
    done
    wait "$pid" 2>/dev/null
    return 0
}
