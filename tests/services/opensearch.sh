#!/usr/bin/env bash
# OpenSearch, one node on loopback: says `url`.
#
#   VERSION  1, 2 or 3 (2)

server=opensearch
package=org.opensearch
case ${VERSION:-2} in
    1) release=1.3.20 java=17 log4j=2.17.1 ;;
    2) release=2.19.6 java=17 log4j=2.25.4 ;;
    3) release=3.8.0 java=21 log4j=2.25.4 ;;
    *) echo "no OpenSearch $VERSION is known" >&2 && exit 1 ;;
esac
properties=("-Drelease=$release" "-Dlog4j=$log4j")

# shellcheck source=tests/services/search-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/search-server.sh"

serve "$@"
