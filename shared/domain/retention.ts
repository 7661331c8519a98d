const day = 24 * 60 * 60 * 1000;

/** What was stored before this time has been kept for `days`; milliseconds since the epoch. */
export const keptSince = (now: number, days: number): number => now - days * day;
