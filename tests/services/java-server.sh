# shellcheck shell=bash
# Sourced by hdfs.sh, kafka.sh and search-server.sh: a server in a JVM of its own, its jars fetched by Maven
# from Maven Central into ~/.m2. The folder $server has its pom.xml, and Server.java.
#
# The script may have -Dname=value for the pom.xml in $properties.
# The variable SETTINGS may have settings of the server, `name=value`, with spaces between.
#
# Needs a JDK (17 or later, for `java Server.java`) and mvn; .ci/prepare.sh has need_java.

# shellcheck source=tests/services/service.sh
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"

: "${server:?the script that sources this sets it}"
[ -n "${properties+set}" ] || properties=()

prepare() {
    fetch_jars
    mkdir -p "$folder/config" "$folder/data"
}

# Writes $folder/classpath.
fetch_jars() {
    local program log=$folder/maven.log
    for program in java javac mvn; do
        command -v "$program" >/dev/null || skip "there is no $program (openjdk-17-jdk-headless, maven)"
    done
    # Maven 3 does not keep two processes apart that fetch into one repository.
    (
        flock 9
        mvn -B -q -f "$services/$server/pom.xml" dependency:build-classpath \
            -Dmdep.outputFile="$folder/classpath" "${properties[@]}" >"$log" 2>&1
    ) 9>"$folder/../maven.lock" || skip "Maven cannot fetch it: $(grep -m 1 ERROR "$log" | head -c 300)"
}
