#!/usr/bin/env bash
# nfcapd, which collects flows at `address` into files in `flows`, and beside it the programs `softflowd`,
# which exports the flows of a capture, and `nfdump`, which prints what was collected. Behind a stop all
# files are whole. `libraries` is where the programs find theirs.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
# shellcheck source=.ci/prepare.sh
. "$services/../../.ci/prepare.sh"

prepare() {
    packages=${folder%/*}/packages/nfcapd
    mkdir -p "${packages%/*}" "$folder/flows"
    unpack_packages "$packages" nfdump softflowd || skip "apt-get cannot fetch nfdump and softflowd"
    libraries=$(echo "$packages"/usr/lib/*-linux-gnu)
    find_program nfcapd
    nfcapd=$program
    # Before 1.7 the folder's option was another.
    to_folder=-l
    ! LD_LIBRARY_PATH=$libraries "$nfcapd" -h 2>&1 | grep -q '^-w flowdir' || to_folder=-w
}

# Sets $program: the unpacked one, or that of the system.
find_program() {
    for program in "$packages/usr/bin/$1" "$packages/usr/sbin/$1" "/usr/bin/$1" "/usr/sbin/$1"; do
        [ ! -x "$program" ] || return 0
    done
    skip "there is no $1"
}

run() {
    LD_LIBRARY_PATH=$libraries "$nfcapd" $to_folder "$folder/flows" -b 127.0.0.1 -p "${ports[0]}" -t 3600 \
        >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    grep -q "0100007F:$(printf %04X "${ports[0]}") " /proc/net/udp
}

describe() {
    echo "address=127.0.0.1:${ports[0]}"
    echo "flows=$folder/flows"
    echo "libraries=$libraries"
    for name in softflowd nfdump; do
        find_program "$name"
        echo "$name=$program"
    done
}

serve "$@"
