/** Timestamp for writes, in microseconds. It increases with every call in this process. */
export function microseconds(): number {
  latest = Math.max(latest + 2, Date.now() * 1000);
  return latest;
}
let latest = 0;
