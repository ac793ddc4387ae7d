#!/usr/bin/env bash
# tests/leaks/run.sh: ten thousand batches through a plugin in C and one in Rust, under valgrind.
#
# Whatever is lost, read or written where it should not be is an error. The libraries stay loaded, and what they
# and Rust's runtime keep to the end is no loss. Takes some minutes; ./test.sh runs the same without valgrind.

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../.ci/prepare.sh"
cd "$root" || exit 2
need_build_tools
need_rust
command -v valgrind >/dev/null || install_packages valgrind libc6-dbg

# As the tests are built, so that nothing is built twice.
built=$(cargo test --workspace --locked --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\/leaks-[0-9a-f]*\)".*/\1/p' | tail -n 1)
[ -n "$built" ] || give_up "the test \`leaks\` cannot be built: cargo test --workspace --locked --no-run"
cd framework/plugins || exit 2
DATASHARK_VALGRIND=1 valgrind --quiet --error-exitcode=1 --leak-check=full \
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --suppressions="$root/tests/leaks/kept.supp" --trace-children=no "$built"
