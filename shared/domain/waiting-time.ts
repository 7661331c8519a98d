const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const steps = [
  [30 * second, '< 30 seconds'],
  [minute, '< 1 minute'],
  [2 * minute, '< 2 minutes'],
  [5 * minute, '< 5 minutes'],
  [15 * minute, '< 15 minutes'],
  [hour, '< 1 hour'],
  [6 * hour, '< 6 hours'],
] as const;

/** A time to wait, in milliseconds, for people: no finer than an estimate can be. */
export const waitingTime = (milliseconds: number): string =>
  steps.find(([limit]) => milliseconds < limit)?.[1] ?? '> 6 hours';
