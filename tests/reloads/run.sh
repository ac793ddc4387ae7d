#!/usr/bin/env bash
# tests/reloads/run.sh [RELOADS]: a thousand reloads under load, of a release build.
#
# Records are written to a topic of a real Kafka, 20,000 a second, while confs are changed, added, taken
# away and wrong in turn, and the daemon reads them again each time. At the end every window of every use case
# has to be found once, and the longest pause of the use case that was never changed is printed.
#
# ./test.sh has a short run of it, of 50 reloads: framework/cli/tests/it/reloads.rs.

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/prepare.sh"
cd "$root" || exit 2
need_build_tools
need_rust
need_java

export DATASHARK_RELOADS=${1:-1000}
cargo test --release --locked -p datashark --test it reloads:: -- --nocapture
