#!/usr/bin/env bash
# Sends requests, generated from the API's description, to a running platform. Fails on any 5xx and on any response that the description
# does not declare. Needs schemathesis (PyPI) on the PATH.
set -euo pipefail
export FREEFACE_RATE_LIMIT_PER_KEY=0 FREEFACE_RATE_LIMIT_PER_ADDRESS=0 FREEFACE_RATE_LIMIT_LOGIN=0
source "$(dirname "$0")/platform.sh"

# schemathesis leaves a folder in its working directory.
(cd "$data" && schemathesis run "$address/openapi.json" \
  --header "Authorization: Bearer $(cat "$data/admin.key")" \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance \
  --max-examples "${FUZZ_EXAMPLES:-20}" --seed "${FUZZ_SEED:-1}" --phases examples,coverage,fuzzing \
  --workers 1 --request-timeout 30 --suppress-health-check all --no-color "$@")

if grep -E '"level":"(error|fatal)"' "$log"; then
  echo 'the platform logged errors (see above)'
  exit 1
fi
