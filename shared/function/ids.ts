import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesPerId = 16;
/** Random bytes for 256 ids: a system call for each id would cost more than the rest of the id, and a request needs up to ten ids. */
const pool = new Uint8Array(256 * bytesPerId);
let used = pool.length;

/** Returns a UUID of version 7. Such ids sort by `now` (milliseconds since the epoch). */
export function newIdAt(now: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + bytesPerId);
  used += bytesPerId;
  return v7({ msecs: now, random });
}
