#!/bin/sh
# What nfdump says of the real files of nfcapd: for each its flows, packets and bytes. Writes nfdump.txt beside
# it, which the test nfcapd.rs compares with.
#
#   plugins/input/file/tests/nfcapd_counts/nfdump.sh [FOLDER]
#
# FOLDER is $DATASHARK_DATA, or ../shared/data beside the project. Needs nfdump.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${1:-${DATASHARK_DATA:-$here/../../../../../../shared/data}}
{
    nfdump -V | sed -n 's/.*\(1\.[0-9.]*\).*/# nfdump \1/p' | head -n 1
    echo "# file flows packets bytes"
    cd "$data/netflow/nfcapd"
    for file in *; do
        case $file in *.gz) continue ;; esac
        nfdump -I -r "$file" 2>/dev/null | awk -v file="$file" '
            $1 == "Flows:" { flows = $2 } $1 == "Packets:" { packets = $2 } $1 == "Bytes:" { bytes = $2 }
            END { print file, flows, packets, bytes }'
    done
} >"$here/nfdump.txt"
