# Source this file. It starts FreeFace as the README describes, on a free port and with an empty data folder, and stops it when the
# script ends. It sets the variables address, data, log and pid.
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
[ -n "$address" ] || { cat "$log"; echo 'FreeFace is not ready after two minutes'; exit 1; }
