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
targets=${*:-"asa binetflow cef combined conf csv dns eve grok iptables json lda leef logfmt netflow nfcapd plugin_answer regex spot squid syslog text w3c zeek"}
folder=${CARGO_TARGET_DIR:-$PWD/target}
triple=$(rustc -vV | sed -n 's/^host: //p')

export CARGO_TARGET_DIR="$folder"
export RUSTFLAGS="--cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
 -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
 -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# shellcheck disable=SC2046 # one argument a target
cargo build --release --target "$triple" $(for target in $targets; do echo "--bin $target"; done)

failed=
for target in $targets; do
    corpus=$folder/corpus/$target
    artifacts=$folder/artifacts/$target
    mkdir -p "$corpus" "$artifacts"
    echo "== $target: $seconds s"
    if ! "$folder/$triple/release/$target" "$corpus" "seeds/$target" \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$artifacts/" -print_final_stats=1 >"$artifacts/log" 2>&1; then
        failed="$failed $target"
        tail -n 30 "$artifacts/log"
    fi
    grep -E 'stat::number_of_executed_units|stat::new_units_added' "$artifacts/log" || true
done
if [ -n "$failed" ]; then
    echo "failed:$failed" >&2
    exit 1
fi
