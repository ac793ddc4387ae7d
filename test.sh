#!/usr/bin/env bash
# ./test.sh [arguments of `cargo test`, such as -p datashark-codec]
#
# Runs every test, or those that the arguments name, after installing what the system lacks for it, and says at the end which tests
# were skipped and why: a test that cannot run prints a line that begins with `SKIPPED:`. Tests over
# real logs look for them in $DATASHARK_DATA, or in ../shared/data beside the tree.
set -o pipefail

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/.ci/prepare.sh"

need_build_tools
need_rust
need_syslog_servers
command -v python3 >/dev/null || say "note: there is no python3; tests that compare with it are skipped"
{ command -v javac && command -v mvn; } >/dev/null ||
    say "note: there is no javac or no mvn; tests that run Kafka, Elasticsearch, OpenSearch and HDFS are skipped"
{ command -v npm && command -v pip3; } >/dev/null ||
    say "note: there is no npm or no pip3; tests that run emulators of Azure and Google's cloud may be skipped"

cd "$root" || exit 2
output=$(mktemp) || give_up "no temporary file can be made"
trap 'rm -f "$output"' EXIT

[ $# -gt 0 ] || set -- --workspace
case " $* " in
    *" -- "*) ;;
    *) set -- "$@" -- ;;
esac
# `--show-output` shows what passing tests print, which is where they say that they were skipped.
cargo test --locked "$@" --show-output 2>&1 | tee "$output"
status=$?

skipped=$(grep -o 'SKIPPED:.*' "$output" | sort | uniq -c)
if [ -n "$skipped" ]; then
    say ""
    say "=============================== TESTS WERE SKIPPED ==============================="
    say "$skipped"
    say "==================================================================================="
fi
if [ "$status" -ne 0 ]; then
    say "test.sh: FAILED (cargo test's status $status)"
fi
exit "$status"
