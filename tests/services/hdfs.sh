#!/usr/bin/env bash
# HDFS, a name node and a data node on loopback: says `url`, such as hdfs://127.0.0.1:8020.

server=hdfs

# shellcheck source=tests/services/java-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/java-server.sh"

run() {
    rm -f "$folder/ready"
    local settings=()
    read -r -a settings <<<"${SETTINGS:-}"
    HADOOP_USER_NAME=datashark java -Xms256m -Xmx512m -XX:+UseSerialGC -cp "$(cat "$folder/classpath")" \
        "$services/$server/Server.java" "$folder" "${ports[0]}" "${ports[1]}" \
        "${settings[@]}" >>"$folder/log" 2>&1 &
    pid=$!
}

# The server makes this file once its data node is there.
is_ready() {
    [ -f "$folder/ready" ]
}

describe() {
    echo "url=hdfs://127.0.0.1:${ports[0]}"
}

serve "$@"
