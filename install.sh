#!/usr/bin/env bash
# ./install.sh [--prefix=/opt] [--binary=FILE] [--no-service]
# ./install.sh uninstall [--prefix=/opt]
#
# Installs dataShark to PREFIX/datashark: bin/datashark, datashark.conf and the use cases in conf. As
# root also the user `datashark`, the state folder /var/lib/datashark and the service, which is not
# started. Anybody else gives a prefix of their own, such as --prefix="$HOME", and gets no service.
#
# Once more over an older one it brings that up to date. A file that was changed since it was installed
# is left as it is, and the new one is put beside it as FILE.new. `uninstall` takes away what was
# installed and not changed, and those; changed files, state and user stay.
#
#   --binary=FILE  installs this binary; else it is built where it is not, as ./standalone.sh does
#   --no-service   no user and no service, as root too
#   DESTDIR        is put before every path, for making packages: nothing of the running system is
#                  touched
#
# Exit status: 0, or 2 where it cannot be done.
set -o pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=.ci/binary.sh
. "$here/.ci/binary.sh"

user=datashark
state=/var/lib/datashark
units=/etc/systemd/system
# The packages' paths in the unit, which ours take the place of.
packaged_binary=/usr/bin/datashark
packaged_home=/etc/datashark

usage() {
    sed -n '2,3s/^# //p' "$here/install.sh" >&2
}

read_arguments() {
    local argument
    what=install prefix=/opt binary='' with_service=maybe
    for argument; do
        case $argument in
            uninstall) what=uninstall ;;
            --prefix=*) prefix=${argument#*=} ;;
            --binary=*) binary=${argument#*=} ;;
            --no-service) with_service=no ;;
            -h | --help)
                usage
                exit 0
                ;;
            *)
                usage
                give_up "unknown argument \`$argument\`"
                ;;
        esac
    done
    case $prefix in
        /) prefix='' ;;
        /*) prefix=${prefix%/} ;;
        *) give_up "the prefix \`$prefix\` is no path from the root" ;;
    esac
    home=$prefix/datashark
    # What was installed: a checksum and a path a line, as sha256sum writes it.
    list=$DESTDIR$home/.installed
    if [ "$with_service" = maybe ]; then
        with_service=no
        [ "$(id -u)" -ne 0 ] || with_service=yes
    fi
}

# Whether a file is as it was installed.
is_unchanged() {
    [ -e "$list" ] && awk -v path="$1" 'substr($0, 67) == path' "$list" |
        sha256sum --check --status 2>/dev/null
}

# note PATH: it is installed as it is now.
note() {
    local rest
    rest=$([ ! -e "$list" ] || awk -v path="$1" 'substr($0, 67) != path' "$list")
    { [ -z "$rest" ] || printf '%s\n' "$rest"; sha256sum "$1"; } >"$list.new" &&
        mv "$list.new" "$list"
}

# put FILE PATH MODE: installs a file; one that a user has changed stays.
put() {
    local from=$1 to=$DESTDIR$2 mode=$3
    if [ -e "$to" ] && ! is_unchanged "$to" && ! cmp -s "$from" "$to"; then
        install -m "$mode" "$from" "$to.new" || give_up "\`$to.new\` cannot be written"
        say "kept: $to, which was changed; the new one is $to.new"
        return
    fi
    # A binary that runs cannot be written to, but its name can be given to another.
    if ! { install -D -m "$mode" "$from" "$to.part" && mv "$to.part" "$to"; }; then
        give_up "\`$to\` cannot be written"
    fi
    note "$to" || give_up "\`$list\` cannot be written"
}

put_confs() {
    local file
    put "$here/datashark.conf" "$home/datashark.conf" 644
    while IFS= read -r -d '' file; do
        put "$here/$file" "$home/$file" 644
    done < <(cd "$here" && find conf -mindepth 2 -type f ! -path '*/state/*' -print0 | sort -z)
}

# The unit, with our paths.
unit() {
    sed -e "s|$packaged_binary|$home/bin/datashark|g" -e "s|$packaged_home|$home|g" \
        -e "s|file:///usr/share/doc/datashark/README.md|file://$home/README.md|" \
        "$here/packaging/datashark.service"
}

put_service() {
    local unit
    unit=$(mktemp) || give_up "no temporary file can be made"
    unit >"$unit"
    put "$unit" "$units/datashark.service" 644
    rm -f "$unit"
    # So that every command finds the state where the service has it.
    [ -e "$DESTDIR$home/state" ] || ln -s "$state" "$DESTDIR$home/state" || give_up "\`$home/state\` cannot be made"
    [ -z "$DESTDIR" ] || return 0
    getent passwd "$user" >/dev/null ||
        useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin \
            --comment "dataShark" "$user" || give_up "the user \`$user\` cannot be made"
    install -d -o "$user" -g "$user" -m 750 "$state" || give_up "\`$state\` cannot be made"
    # Where systemd does not run, there is nothing to tell.
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

install_all() {
    if [ -z "$binary" ]; then
        is_current || build
        binary=$built
    fi
    [ -x "$binary" ] || give_up "\`$binary\` is no program"
    mkdir -p "$DESTDIR$home" || give_up "\`$DESTDIR$home\` cannot be made; give another with --prefix"
    [ -w "$DESTDIR$home" ] || give_up "\`$DESTDIR$home\` cannot be written; give another with --prefix"
    put "$binary" "$home/bin/datashark" 755
    put "$here/README.md" "$home/README.md" 644
    put "$here/LICENSE" "$home/LICENSE" 644
    put_confs
    [ "$with_service" = no ] || put_service
    say "installed in $home; for commands by hand: export DATASHARK_HOME=$home PATH=$home/bin:\$PATH"
    if [ "$with_service" = yes ]; then
        say "to start it: systemctl enable --now datashark"
    fi
}

uninstall_all() {
    local line path
    [ -e "$list" ] || give_up "nothing was installed in \`$DESTDIR$home\`"
    if [ -z "$DESTDIR" ] && [ -d /run/systemd/system ] && [ -e "$units/datashark.service" ] &&
        [ "$(id -u)" -eq 0 ]; then
        systemctl disable --now datashark
    fi
    while IFS= read -r line; do
        path=${line:66}
        rm -f "$path.new"
        [ -e "$path" ] || continue
        if is_unchanged "$path"; then
            rm -f "$path" || give_up "\`$path\` cannot be removed"
        else
            say "kept: $path, which was changed"
        fi
    done < <(cat "$list")
    rm -f "$list"
    [ ! -L "$DESTDIR$home/state" ] || rm -f "$DESTDIR$home/state"
    find "$DESTDIR$home" -depth -type d -empty -delete
    [ ! -e "$DESTDIR$home" ] || say "kept: what else there is in $DESTDIR$home"
    [ ! -e "$DESTDIR$state" ] || say "kept: the state in $DESTDIR$state"
}

DESTDIR=${DESTDIR%/}
read_arguments "$@"
"${what}_all"
