#!/usr/bin/env bash
# Starts the product the way the README says, on a free port and in an empty folder, asks it something and stops it.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
log=$data/start.log
PORT=0 FREEFACE_DATA=$data npm start >"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

for _ in $(seq 300); do
  address=$(sed -n 's/^FreeFace is ready at //p' "$log")
  [ -n "$address" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.2
done
[ -n "$address" ] || { cat "$log"; echo 'not ready within a minute'; exit 1; }

curl -fsS "$address/api/v1/health" | grep -q '"status":"ok"'
curl -fsS -H "X-API-Key: $(cat "$data/admin.key")" "$address/api/v1/auth/me" | grep -q '"tenants:manage"'
[ "$(curl -s -o /dev/null -w '%{http_code}' "$address/api/v1/persons")" = 401 ]
kill "$pid"
wait "$pid" || true
for _ in $(seq 100); do
  curl -fs "$address/api/v1/health" >/dev/null 2>&1 || { echo "started at $address, answered and stopped"; exit 0; }
  sleep 0.1
done
echo 'still running after SIGTERM'
exit 1
