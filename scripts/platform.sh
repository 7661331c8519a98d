# To be sourced: starts the product the way the README says, on a free port and in an empty folder, and stops it with the script.
# Sets address, data, log and pid.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=$(mktemp -d)
log=$data/start.log
PORT=0 FREEFACE_DATA=$data npm start >"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT

for _ in $(seq 600); do
  address=$(sed -n 's/^FreeFace is ready at //p' "$log")
  [ -n "$address" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.2
done
[ -n "$address" ] || { cat "$log"; echo 'not ready within two minutes'; exit 1; }
