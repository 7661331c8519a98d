import { describe, expect, it } from 'vitest';
import { consentHolds, consentProblem } from './consent.ts';

const now = Date.parse('2026-06-01T12:00:00Z');

describe('a consent', () => {
  it.each([
    ['there is no consent', null, 'is missing'],
    ['it starts now', { given_at: '2026-06-01T12:00:00Z' }, null],
    ['it starts 1 ms later', { given_at: '2026-06-01T12:00:00.001Z' }, 'begins at 2026-06-01T12:00:00.001Z'],
    ['its time has another time zone', { given_at: '2026-06-01T13:59:00+02:00' }, null],
    ['it expires now', { given_at: '2026-01-01T00:00:00Z', expires_at: '2026-06-01T12:00:00Z' }, 'expired at'],
    ['it expires 1 ms later', { given_at: '2026-01-01T00:00:00Z', expires_at: '2026-06-01T12:00:00.001Z' }, null],
    ['its start is unreadable', { given_at: 'once' }, 'begins at once'],
    ['its end is unreadable', { given_at: '2026-01-01T00:00:00Z', expires_at: 'never' }, 'expired at never'],
  ])('When %s, then consentProblem returns the right problem or null', (_, consent, problem) => {
    const found = consentProblem(consent, now);

    if (problem === null) expect(found).toBeNull();
    else expect(found).toContain(problem);
  });

  it('When a response names people, then it is valid until the first consent expires', () => {
    const given_at = '2026-01-01T00:00:00Z';

    expect(consentHolds([null, { given_at }], now, 3_600_000)).toBe(3_600_000);
    expect(consentHolds([{ given_at, expires_at: '2026-06-01T12:00:05Z' }, { given_at }], now, 3_600_000)).toBe(5000);
  });
});
