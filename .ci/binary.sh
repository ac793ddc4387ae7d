# shellcheck shell=bash
# Sourced by standalone.sh and start.sh: the binary, which is built where it is not, or found where it
# is installed.

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

target=${CARGO_TARGET_DIR:-$root/target}
built=$target/release/datashark

# Whether the built binary is younger than all it is built of.
is_current() {
    [ -x "$built" ] || return 1
    local sources=(framework plugins usecases Cargo.toml Cargo.lock)
    [ -z "$(cd "$root" && find "${sources[@]}" -type f -newer "$built" -print -quit)" ]
}

# The installed binary, if there is one of the version of this tree.
installed() {
    local version candidate
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
    for candidate in "${DATASHARK_HOME:+$DATASHARK_HOME/bin/datashark}" "$(command -v datashark)"; do
        if [ -x "$candidate" ] && [ "$("$candidate" --version 2>/dev/null)" = "datashark $version" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# A wrong path is better said before a long build than after it.
check_confs() {
    local argument
    for argument; do
        case $argument in
            -*) ;;
            *.conf) [ -e "$argument" ] || give_up "there is no \`$argument\` in $(pwd)" ;;
        esac
    done
}

build() {
    local started
    need_build_tools
    need_rust
    if [ -x "$built" ]; then
        say "dataShark's sources have changed: building it again, a few minutes on 2 cores"
    else
        say "Building dataShark, this once: about 25 minutes on 2 cores, less on more. It takes 3 GB of"
        say "disk in $target, and network where crates are not there yet."
    fi
    started=$(mktemp) || give_up "no temporary file can be made"
    if ! (cd "$root" && CARGO_TARGET_DIR=$target cargo build --release --locked -p datashark) >&2; then
        rm -f "$started"
        give_up "dataShark could not be built; what cargo says is above"
    fi
    # As old as the start of the build, so that a source edited meanwhile is newer.
    touch -r "$started" "$built"
    rm -f "$started"
}

# Sets $datashark, and what it needs of the environment. The arguments are the caller's.
find_binary() {
    # Seen from wherever the caller is.
    case $target in
        /*) ;;
        *) target=$PWD/$target built=$PWD/$built ;;
    esac
    if is_current; then
        datashark=$built
    elif [ ! -x "$built" ] && datashark=$(installed); then
        say "using the installed $datashark"
    else
        case " $* " in
            *" -h "* | *" --help "*)
                usage
                exit 0
                ;;
        esac
        check_confs "$@"
        build
        datashark=$built
    fi
    # Where datashark.conf is, and beside it the state, unless the caller's folder has one.
    export DATASHARK_HOME="${DATASHARK_HOME:-$root}"
}
