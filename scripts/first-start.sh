#!/usr/bin/env bash
# Starts the platform as a new user does, sends some requests and stops it.
set -euo pipefail
source "$(dirname "$0")/platform.sh"

curl -fsS "$address/api/v1/health" | grep -q '"status":"ok"'
curl -fsS -H "X-API-Key: $(cat "$data/admin.key")" "$address/api/v1/auth/me" | grep -q '"tenants:manage"'
[ "$(curl -s -o /dev/null -w '%{http_code}' "$address/api/v1/persons")" = 401 ]

kill "$pid"
wait "$pid" || true
for _ in $(seq 100); do
  curl -fs "$address/api/v1/health" >/dev/null 2>&1 || { echo "started at $address, responded and stopped"; exit 0; }
  sleep 0.1
done
echo 'the platform still runs 10 s after SIGTERM'
exit 1
