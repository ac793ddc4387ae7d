#!/usr/bin/env bash
# Azurite, Microsoft's emulator of Azure Blob Storage, with the container `logs`: says `endpoint`, `account`
# and `key`. Fetched by npm, some 190 MB.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

release=3.35.0
# The account that every Azurite has, as its manual says.
account=devstoreaccount1
key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

prepare() {
    local program packages=${folder%/*}/packages/azurite-$release
    for program in node npm; do
        command -v "$program" >/dev/null || skip "there is no $program (nodejs, npm)"
    done
    azurite=$packages/node_modules/azurite/dist/src/blob/main.js
    [ ! -e "$azurite" ] || return 0
    # Two may come here at once; each works in a folder of its own, and the first one's is kept.
    npm install --prefix "$packages.$$" --no-audit --no-fund "azurite@$release" >&2 ||
        skip "npm cannot fetch azurite"
    mv -T "$packages.$$" "$packages" 2>/dev/null || rm -rf "$packages.$$"
}

run() {
    node "$azurite" --blobHost 127.0.0.1 --blobPort "${ports[0]}" --location "$folder/data" \
        --skipApiVersionCheck --disableTelemetry >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    node "$services/azurite/container.mjs" "$(endpoint)" "$account" "$key" >>"$folder/log" 2>&1
}

endpoint() {
    echo "http://127.0.0.1:${ports[0]}/$account"
}

describe() {
    echo "endpoint=$(endpoint)"
    echo "account=$account"
    echo "key=$key"
}

serve "$@"
