# shellcheck shell=bash
# Sourced by elasticsearch.sh, kafka.sh and opensearch.sh: one node in a JVM of its own, its jars fetched by
# Maven from Maven Central into ~/.m2. The folder $server has its pom.xml and Server.java.
#
# The variable SETTINGS may have settings of the server, `name=value`, with spaces between.
#
# Needs a JDK (17 or later, for `java Server.java`) and mvn; .ci/prepare.sh has need_java.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

: "${server:?the script that sources this sets it}"

prepare() {
    local program log=$folder/maven.log
    for program in java javac mvn; do
        command -v "$program" >/dev/null || skip "there is no $program (openjdk-17-jdk-headless, maven)"
    done
    # Maven 3 does not keep two processes apart that fetch into one repository.
    (
        flock 9
        mvn -B -q -f "$services/$server/pom.xml" dependency:build-classpath \
            -Dmdep.outputFile="$folder/classpath" >"$log" 2>&1
    ) 9>"$folder/../maven.lock" || skip "Maven cannot fetch it: $(grep -m 1 ERROR "$log" | head -c 300)"
    mkdir -p "$folder/config" "$folder/data"
}

run() {
    local settings=()
    read -r -a settings <<<"${SETTINGS:-}"
    java -Xms512m -Xmx512m -XX:+UseSerialGC -cp "$(cat "$folder/classpath")" \
        "$services/$server/Server.java" "$folder" "${ports[0]}" "${ports[1]}" \
        "${settings[@]}" >>"$folder/log" 2>&1 &
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
