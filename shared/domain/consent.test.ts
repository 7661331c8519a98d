import { describe, expect, it } from 'vitest';
import { consentHolds, consentProblem } from './consent.ts';

const now = Date.parse('2026-06-01T12:00:00Z');

describe('a consent', () => {
  it.each([
    ['there is none', null, 'is missing'],
    ['it is given this moment', { given_at: '2026-06-01T12:00:00Z' }, null],
    ['it is given a moment later', { given_at: '2026-06-01T12:00:00.001Z' }, 'begins at 2026-06-01T12:00:00.001Z'],
    ['it was given in another zone', { given_at: '2026-06-01T13:59:00+02:00' }, null],
    ['it expires this moment', { given_at: '2026-01-01T00:00:00Z', expires_at: '2026-06-01T12:00:00Z' }, 'expired at'],
    ['it expires a moment later', { given_at: '2026-01-01T00:00:00Z', expires_at: '2026-06-01T12:00:00.001Z' }, null],
    ['its time cannot be read', { given_at: 'once' }, 'begins at once'],
    ['its end cannot be read', { given_at: '2026-01-01T00:00:00Z', expires_at: 'never' }, 'expired at never'],
  ])('When %s, then it is or is not in force', (_, consent, problem) => {
    const found = consentProblem(consent, now);

    if (problem === null) expect(found).toBeNull();
    else expect(found).toContain(problem);
  });

  it('When people are named, then the answer holds until the first consent expires', () => {
    const given_at = '2026-01-01T00:00:00Z';

    expect(consentHolds([null, { given_at }], now, 3_600_000)).toBe(3_600_000);
    expect(consentHolds([{ given_at, expires_at: '2026-06-01T12:00:05Z' }, { given_at }], now, 3_600_000)).toBe(5000);
  });
});
