/** Time for writes, in microseconds; of two in one process the later is greater. */
export function microseconds(): number {
  latest = Math.max(latest + 2, Date.now() * 1000);
  return latest;
}
let latest = 0;
