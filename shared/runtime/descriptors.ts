import { readFileSync } from 'node:fs';

/** Most connections of a process, whatever its limit of file descriptors. */
const mostConnections = 10_000;
/** Descriptors for files, stores and threads: the idle platform has about 60, and a burst of photos 100 more. */
const reserved = 256;

/** Limit of file descriptors of this process; Infinity when the system does not tell it. */
export function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Connections that leave enough of `limit` file descriptors for the rest of the process. */
export const connectionsWithin = (limit: number): number =>
  Math.min(mostConnections, Math.max(limit - reserved, Math.floor(limit / 2)));
