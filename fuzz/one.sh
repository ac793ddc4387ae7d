#!/bin/sh
# Runs a fuzz target that fuzz/run.sh has built, and says what came of it when it is done: fuzz/one.sh TARGET
set -u

# What fuzz/run.sh says: where, which build, how long.
: "${folder:?}" "${triple:?}" "${seconds:?}"
target=$1
corpus=$folder/corpus/$target
artifacts=$folder/artifacts/$target
mkdir -p "$corpus" "$artifacts"
status=0
"$folder/$triple/release/$target" "$corpus" "seeds/$target" \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$artifacts/" -print_final_stats=1 >"$artifacts/log" 2>&1 || status=1
echo "== $target: $seconds s"
grep -E 'stat::number_of_executed_units|stat::new_units_added' "$artifacts/log"
if [ "$status" -ne 0 ]; then
    tail -n 30 "$artifacts/log"
    echo "failed: $target" >&2
fi
exit "$status"
