const day = 24 * 60 * 60 * 1000;

/** Returns the time `days` before `now`, in milliseconds since the epoch. Data that was stored earlier has expired. */
export const keptSince = (now: number, days: number): number => now - days * day;
