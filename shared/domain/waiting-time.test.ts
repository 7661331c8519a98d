import { expect, it } from 'vitest';
import { waitingTime } from './waiting-time.ts';

it.each([
  [0, '< 30 seconds'],
  [29_999, '< 30 seconds'],
  [30_000, '< 1 minute'],
  [200_000, '< 5 minutes'],
  [3_600_000, '< 6 hours'],
  [100_000_000, '> 6 hours'],
])('When the waiting time is %d ms, then the text is %s', (milliseconds, text) => {
  expect(waitingTime(milliseconds)).toBe(text);
});
