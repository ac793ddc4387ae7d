#!/usr/bin/env bash
# tests/soak/run.sh [MINUTES] [FOLDER]: the daemon for a long time (30 minutes) at half of its maximum rate.
#
# A real Kafka is written to at that rate, of a topic of four partitions, and a release build of the daemon
# counts the records of each source and minute. Its memory, open files and threads are sampled every five
# seconds; at the end every count has to be right. The samples, a plot and the slopes are written to FOLDER
# (tests/soak), as samples.tsv, soak.svg and soak.txt. RATE=N has N records a second in place of half the
# maximum.

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/prepare.sh"
cd "$root" || exit 2
need_build_tools
need_rust
need_java
minutes=${1:-30}
folder=$(realpath "${2:-tests/soak}") || exit 2

set -o pipefail
MINUTES=$minutes SAMPLES=$folder/samples.tsv \
    cargo bench --locked -p datashark --bench kafka -- soak | tee "$folder/soak.txt" || exit 1
python3 tests/soak/plot.py "$folder/samples.tsv" "$folder/soak.svg" | tee -a "$folder/soak.txt"
