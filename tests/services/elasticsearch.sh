#!/usr/bin/env bash
# Elasticsearch, one node on loopback: says `url`.
#
# Of the modules that a distribution has, only HTTP is on Maven Central: so `GET /`, reindexing and scripts
# are not there.
#
#   VERSION  7, 8 or 9 (7)

server=elasticsearch
package=org.elasticsearch
# The artifact with HTTP.
plugin=transport-netty4
case ${VERSION:-7} in
    7) release=7.17.29 java=17 plugin=transport-netty4-client ;;
    8) release=8.19.21 java=17 ;;
    9) release=9.5.3 java=21 ;;
    *) echo "no Elasticsearch $VERSION is known" >&2 && exit 1 ;;
esac
properties=("-Drelease=$release" "-Dplugin=$plugin")

# shellcheck source=tests/services/search-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/search-server.sh"

# From 8 on HTTP is loaded out of a folder of its own, and its jars may be nowhere else.
prepare_modules() {
    local module=$folder/modules/$plugin jars=$folder/jars
    [ "$plugin" = transport-netty4 ] || return 0
    tr ':' '\n' <"$folder/classpath" >"$jars"
    mkdir -p "$module"
    grep -E "/io/netty/|/$plugin/|/elasticsearch-ssl-config/" "$jars" | xargs ln -s -t "$module"
    grep -vE "/io/netty/|/$plugin/|/elasticsearch-ssl-config/" "$jars" | paste -sd : >"$folder/classpath"
    python3 -m zipfile -e "$module/$plugin-$release.jar" "$folder/unpacked" ||
        skip "its HTTP module cannot be unpacked (python3)"
    # It says that it is a module of Java, which the server's classes then would have to be, too.
    grep -v '^modulename=' "$folder/unpacked/META-INF/es-plugins/$plugin/plugin-descriptor.properties" \
        >"$module/plugin-descriptor.properties"
}

serve "$@"
