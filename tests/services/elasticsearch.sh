#!/usr/bin/env bash
# Elasticsearch, one node on loopback: says `url`.

server=elasticsearch

# shellcheck source=tests/services/java-server.sh
. "$(dirname "${BASH_SOURCE[0]}")/java-server.sh"

serve "$@"
