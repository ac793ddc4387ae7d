#!/usr/bin/env bash
# syslog-ng, taking UDP, TCP with octet counts and TLS (if $CERTIFICATES names a folder with ca.pem,
# cert.pem and key.pem), TCP with line ends, and unix sockets of datagrams and of a stream. How it has
# parsed each message is a line of JSON in received.json.
#
#   MAX_MESSAGE_SIZE  its log-msg-size in bytes (65536, as it is without)
#   PEER_VERIFY       whether clients need a certificate: optional-untrusted, required-trusted

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
# shellcheck source=.ci/prepare.sh
. "$services/../../.ci/prepare.sh"

prepare() {
    local packages=${folder%/*}/packages/syslog-ng
    mkdir -p "${packages%/*}"
    unpack_packages "$packages" syslog-ng-core || skip "apt-get cannot fetch syslog-ng"
    server=$packages/usr/sbin/syslog-ng
    libraries=$packages/usr/lib/syslog-ng:$(echo "$packages"/usr/lib/*-linux-gnu)
    libraries=$libraries:$(echo "$packages"/lib/*-linux-gnu)
    # It is not there where it is installed.
    if [ ! -x "$server" ]; then
        server=/usr/sbin/syslog-ng
        packages=
    fi
    [ -x "$server" ] || skip "there is no syslog-ng"
    modules=$(echo "$packages"/usr/lib/syslog-ng/[0-9]*)
    write_conf >"$folder/syslog-ng.conf"
}

write_conf() {
    cat <<CONF
@version: 3.38
options {
    keep-hostname(yes); chain-hostnames(no); use-dns(no); dns-cache(no); stats-freq(0);
    log-msg-size(${MAX_MESSAGE_SIZE:-65536});
};
source all {
    syslog(ip("127.0.0.1") port(${ports[0]}) transport("udp"));
    syslog(ip("127.0.0.1") port(${ports[0]}) transport("tcp"));
    network(ip("127.0.0.1") port(${ports[2]}) transport("tcp") flags(syslog-protocol));
    unix-dgram("$folder/log.sock");
    unix-stream("$folder/stream.sock");
CONF
    [ -z "${CERTIFICATES:-}" ] || cat <<CONF
    syslog(ip("127.0.0.1") port(${ports[1]}) transport("tls") tls(
        cert-file("$CERTIFICATES/cert.pem") key-file("$CERTIFICATES/key.pem")
        ca-file("$CERTIFICATES/ca.pem") peer-verify(${PEER_VERIFY:-optional-untrusted})));
CONF
    cat <<CONF
};
destination received {
    file("$folder/received.json" template("\$(format-json --scope none
        priority=\$PRI time=\$S_ISODATE host=\$HOST program=\$PROGRAM process=\$PID kind=\$MSGID
        text=\$MESSAGE --key .SDATA.*)\n"));
};
log { source(all); destination(received); flags(flow-control); };
CONF
}

run() {
    LD_LIBRARY_PATH=$libraries "$server" --foreground --no-caps --cfgfile="$folder/syslog-ng.conf" \
        --module-path="$modules" --persist-file="$folder/persist" --pidfile="$folder/pid" \
        --control="$folder/control.sock" >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    (exec 3<>"/dev/tcp/127.0.0.1/${ports[0]}") 2>/dev/null && [ -S "$folder/stream.sock" ]
}

describe() {
    echo "port=${ports[0]}"
    echo "tls_port=${ports[1]}"
    echo "newline_port=${ports[2]}"
    echo "datagrams=$folder/log.sock"
    echo "stream=$folder/stream.sock"
}

serve "$@"
