#!/usr/bin/env bash
# OpenSearch, one node on loopback: says `url`.

server=opensearch

# shellcheck source=tests/services/java-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/java-server.sh"

serve "$@"
