#!/usr/bin/env bash
# Sends requests made from the API's own description to a running platform; fails on any 5xx and on any answer that the
# description does not have. Needs schemathesis (PyPI) on the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
log=$data/start.log
export FREEFACE_DATA=$data FREEFACE_RATE_LIMIT_PER_KEY=0 FREEFACE_RATE_LIMIT_PER_ADDRESS=0 FREEFACE_RATE_LIMIT_LOGIN=0
PORT=0 npm start >"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

for _ in $(seq 600); do
  address=$(sed -n 's/^FreeFace is ready at //p' "$log")
  [ -n "$address" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.2
done
[ -n "$address" ] || { cat "$log"; echo 'not ready within two minutes'; exit 1; }

# It leaves a folder of its own where it runs.
(cd "$data" && schemathesis run "$address/openapi.json" \
  --header "Authorization: Bearer $(cat "$data/admin.key")" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
  --max-examples "${FUZZ_EXAMPLES:-20}" --seed "${FUZZ_SEED:-1}" --phases examples,coverage,fuzzing \
  --workers 1 --request-timeout 30 --suppress-health-check all --no-color "$@") || { status=$?; tail -50 "$log" | grep -E '"level":"(error|fatal)"' || true; exit $status; }

if grep -E '"level":"(error|fatal)"' "$log"; then
  echo 'the log has errors'
  exit 1
fi
