#!/bin/sh
# What tshark says of the real captures: for each file its packets, DNS queries, DNS responses, and a
# digest of the responses' rows. Writes tshark.txt beside it, which the test captures.rs compares with.
#
#   framework/codec/tests/captures/tshark.sh [FOLDER]
#
# FOLDER is $DATASHARK_DATA, or ../shared/data beside the project. Needs tshark.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${1:-${DATASHARK_DATA:-$here/../../../../../shared/data}}
unpacked=$(mktemp)
trap 'rm -f "$unpacked"' EXIT

# The first packet in which a message is whole; mDNS and LLMNR are DNS too, but not of NetBIOS.
fields() {
    TZ=UTC tshark -r "$unpacked" -Y "$1" -T fields -E separator=/s -E occurrence=f \
        -e frame.time_epoch -e frame.len -e dns.id -e dns.qry.type -e dns.flags.rcode 2>/dev/null || true
}

count() {
    tshark -r "$unpacked" -Y "$1" -T fields -e dns.id 2>/dev/null | tr ',' '\n' | grep -c . || true
}

{
    tshark --version 2>/dev/null | head -n 1 | sed 's/ (.*//; s/^TShark/# tshark/; s/\.$//'
    echo "# file packets queries responses digest"
    cd "$data"
    for file in dns/pcaps/* dns/tunnel_pcaps/* dns/zeek_traces/*; do
        case $file in
        *.gz) gzip -dc "$file" >"$unpacked" ;;
        *) cat "$file" >"$unpacked" ;;
        esac
        packets=$(tshark -r "$unpacked" -T fields -e frame.number 2>/dev/null | wc -l)
        queries=$(count "dns.flags.response == 0")
        responses=$(count "dns.flags.response == 1")
        digest=$(fields "dns.flags.response == 1" | sha256sum | cut -c 1-16)
        echo "$file $packets $queries $responses $digest"
    done
} >"$here/tshark.txt"
