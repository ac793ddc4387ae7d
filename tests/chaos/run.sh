#!/usr/bin/env bash
# tests/chaos/run.sh [KILLS] [MINUTES]: the conservation test at full length.
#
# A producer writes MINUTES (2,900) times 7,000 numbered records to a topic of a real Kafka, while the
# daemon is killed KILLS (200) times, now and then the broker and the search server with it. At the end
# every window of every source has to be in the csv file and in the search server, right and once, and no
# sample of the metrics may have shown a record that is unaccounted for.
#
# ./test.sh has a short run of it, of 10 kills and a million records: framework/cli/tests/it/chaos.rs.

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/prepare.sh"
cd "$root" || exit 2
need_build_tools
need_rust
need_java

export DATASHARK_KILLS=${1:-200} DATASHARK_MINUTES=${2:-2900}
cargo test --workspace --locked --test it chaos:: -- --nocapture
