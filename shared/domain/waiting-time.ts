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

/** Formats an estimated waiting time in milliseconds for people. The steps are coarse because an estimate is not exact. */
export const waitingTime = (milliseconds: number): string =>
  steps.find(([limit]) => milliseconds < limit)?.[1] ?? '> 6 hours';
