#!/usr/bin/env bash
# rsyslog, taking UDP, TCP and TLS (if $CERTIFICATES names a folder with ca.pem, cert.pem and key.pem)
# and datagrams of a unix socket. How it has parsed each message is a line of JSON in received.json;
# what it complains of is in complaints.
#
#   MAX_MESSAGE_SIZE  its maxMessageSize (8k, as it is without)
#   AUTH_MODE         whether TLS clients need a certificate: anon, x509/certvalid

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
# shellcheck source=.ci/prepare.sh
. "$services/../../.ci/prepare.sh"

prepare() {
    local packages=${folder%/*}/packages/rsyslog
    mkdir -p "${packages%/*}"
    unpack_packages "$packages" rsyslog rsyslog-openssl || skip "apt-get cannot fetch rsyslog"
    libraries=$(echo "$packages"/usr/lib/*-linux-gnu):$(echo "$packages"/lib/*-linux-gnu)
    modules=$(echo "$packages"/usr/lib/*-linux-gnu/rsyslog):$(echo /usr/lib/*-linux-gnu/rsyslog)
    server=$packages/usr/sbin/rsyslogd
    # It is not there where it is installed.
    [ -x "$server" ] || server=/usr/sbin/rsyslogd
    [ -x "$server" ] || skip "there is no rsyslogd"
    write_conf >"$folder/rsyslog.conf"
}

write_conf() {
    cat <<CONF
global(workDirectory="$folder" maxMessageSize="${MAX_MESSAGE_SIZE:-8k}" net.enableDNS="off"
       senders.keepTrack="off")
# What it has read and not yet written when it is stopped is kept on disk for the next start: without
# that it is dropped when \`queue.timeoutShutdown\` is over.
main_queue(queue.type="linkedList" queue.filename="main" queue.saveOnShutdown="on"
           queue.timeoutShutdown="1")
module(load="mmpstrucdata")
module(load="imudp")
# A frame of more than 200,000 bytes would be taken for none.
module(load="imtcp" maxFrameSize="10000000")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="${ports[0]}")
input(type="imtcp" address="127.0.0.1" port="${ports[0]}")
input(type="imuxsock" socket="$folder/log.sock" ignoreTimestamp="off" useSysTimeStamp="off"
      rateLimit.interval="0")
CONF
    [ -z "${CERTIFICATES:-}" ] || cat <<CONF
global(defaultNetstreamDriverCAFile="$CERTIFICATES/ca.pem"
       defaultNetstreamDriverCertFile="$CERTIFICATES/cert.pem"
       defaultNetstreamDriverKeyFile="$CERTIFICATES/key.pem")
input(type="imtcp" address="127.0.0.1" port="${ports[1]}" streamDriver.name="ossl"
      streamDriver.mode="1" streamDriver.authMode="${AUTH_MODE:-anon}")
CONF
    cat <<'CONF'
template(name="parsed" type="list") {
    constant(value="{")
    property(outname="version" name="protocol-version" format="jsonf") constant(value=",")
    property(outname="priority" name="pri" format="jsonf") constant(value=",")
    property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf") constant(value=",")
    property(outname="host" name="hostname" format="jsonf") constant(value=",")
    property(outname="program" name="app-name" format="jsonf") constant(value=",")
    property(outname="process" name="procid" format="jsonf") constant(value=",")
    property(outname="kind" name="msgid" format="jsonf") constant(value=",")
    property(outname="parameters" name="$!rfc5424-sd" format="jsonf") constant(value=",")
    property(outname="text" name="msg" format="jsonf")
    constant(value="}\n")
}
CONF
    cat <<CONF
if (\$syslogtag startswith "rsyslogd" or \$inputname == "rsyslogd") then {
    action(type="omfile" file="$folder/complaints")
    stop
}
if (\$protocol-version == "1") then { action(type="mmpstrucdata") }
action(type="omfile" file="$folder/received.json" template="parsed")
CONF
}

run() {
    LD_LIBRARY_PATH=$libraries "$server" -n -f "$folder/rsyslog.conf" -M "$modules" \
        -i "$folder/rsyslogd.pid" >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    (exec 3<>"/dev/tcp/127.0.0.1/${ports[0]}") 2>/dev/null && [ -S "$folder/log.sock" ]
}

describe() {
    echo "port=${ports[0]}"
    echo "tls_port=${ports[1]}"
    echo "datagrams=$folder/log.sock"
}

serve "$@"
