#!/usr/bin/env bash
# Apache Kafka in KRaft mode on loopback: says `bootstrap`, a plain listener of each broker, and with one
# broker `sasl`, a listener that asks for a login, and `tls` and `sasl_tls` where it has certificates. The
# login is `datashark` with the password `secret`, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Topics are
# not made by themselves.
#
#   BROKERS       how many brokers, in one JVM (1)
#   CERTIFICATES  a folder with ca.pem, cert.pem and key.pem
#   SETTINGS      settings of the brokers, `name=value`, with spaces between

server=kafka

# shellcheck source=tests/services/java-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/java-server.sh"

brokers=${BROKERS:-1}

run() {
    local settings=()
    read -r -a settings <<<"${SETTINGS:-}"
    rm -f "$folder/ready"
    if [ -n "${CERTIFICATES:-}" ]; then
        # As Kafka wants it: one file.
        cat "$CERTIFICATES/key.pem" "$CERTIFICATES/cert.pem" >"$folder/server.pem"
        settings=("ssl.truststore.location=$CERTIFICATES/ca.pem" "${settings[@]}")
    fi
    java -Xms256m -Xmx768m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -cp "$(cat "$folder/classpath")" "$services/$server/Server.java" \
        "$folder" "$brokers" "$(IFS=,; echo "${ports[*]}")" "${settings[@]}" >>"$folder/log" 2>&1 &
    pid=$!
}

is_ready() {
    [ -e "$folder/ready" ]
}

describe() {
    local bootstrap=127.0.0.1:${ports[0]} i
    for ((i = 1; i < brokers; i++)); do
        bootstrap=$bootstrap,127.0.0.1:${ports[2 * i]}
    done
    echo "bootstrap=$bootstrap"
    [ "$brokers" -eq 1 ] || return 0
    echo "sasl=127.0.0.1:${ports[2]}"
    [ -n "${CERTIFICATES:-}" ] || return 0
    echo "tls=127.0.0.1:${ports[3]}"
    echo "sasl_tls=127.0.0.1:${ports[4]}"
}

serve "$@"
