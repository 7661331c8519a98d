import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesPerId = 16;
/** Asking the system for random bytes costs more than the rest of an id, and a request takes up to ten: so for many at once. */
const pool = new Uint8Array(256 * bytesPerId);
let used = pool.length;

/** A UUID of version 7, which sorts by `now` (milliseconds since the epoch). */
export function newIdAt(now: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + bytesPerId);
  used += bytesPerId;
  return v7({ msecs: now, random });
}
