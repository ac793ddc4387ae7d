#!/bin/sh
# Runs every fuzz target for a while: fuzz/run.sh [SECONDS=60] [TARGET...]
#
# Stable Rust suffices: the flags below are what cargo-fuzz passes, without the sanitizer, which
# code that has no unsafe block does not need. What a run learns stays in fuzz/target/corpus; a
# crash is written to fuzz/target/artifacts, and the exit code is not zero.
set -eu

seconds=${1:-60}
[ $# -eq 0 ] || shift
cd "$(dirname "$0")"
targets=${*:-"asa binetflow cef combined conf csv dns eve grok iptables json labels lda leef logfmt netflow nfcapd plugin_answer plugin_structures recognise regex spot squid syslog text w3c zeek"}
folder=${CARGO_TARGET_DIR:-$PWD/target}
triple=$(rustc -vV | sed -n 's/^host: //p')

export CARGO_TARGET_DIR="$folder"
export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
 -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# shellcheck disable=SC2046 # one argument a target
cargo build --release --target "$triple" $(for target in $targets; do echo "--bin $target"; done)

# A target for each core at a time; one that fails does not stop the others.
export folder triple seconds
# shellcheck disable=SC2086 # one line a target
printf '%s\n' $targets | xargs -n 1 -P "$(nproc)" ./one.sh
