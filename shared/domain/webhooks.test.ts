import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { messageIdOf, nextAttempt, signedHeaders, webhookSecret, webhooks } from './webhooks.ts';

const minute = 60_000;
const hour = 60 * minute;
const messageId = messageIdOf('default', 'one', 'event');
const scheduledAt = Date.UTC(2026, 0, 1);

describe('nextAttempt', () => {
  it('When every attempt fails at once, then seven retries follow within a day plus jitter, and then none', () => {
    const times: number[] = [];
    let now = scheduledAt;
    for (let tries = 1; ; tries++) {
      const next = nextAttempt({ messageId, scheduledAt, tries, now });
      if (next === null) break;
      times.push(next - scheduledAt);
      now = next;
    }

    expect(times).toHaveLength(webhooks.retriesMs.length);
    for (const [index, planned] of webhooks.retriesMs.entries()) {
      expect(times[index]).toBeGreaterThanOrEqual(planned);
      expect(times[index]).toBeLessThanOrEqual(planned * 1.1);
    }
  });

  it('When the first attempt ends with a time-out, then the second is not skipped', () => {
    const now = scheduledAt + webhooks.timeoutMs;

    expect(nextAttempt({ messageId, scheduledAt, tries: 1, now })).toBe(now + webhooks.leastPauseMs);
  });

  it('When attempts were delayed for hours, then only one replaces those whose time has passed', () => {
    const now = scheduledAt + 6 * hour;

    const next = nextAttempt({ messageId, scheduledAt, tries: 1, now })!;

    // The time of the retry after 5 hours passed less than 5 hours ago, so this retry is still made.
    expect(next).toBe(now + webhooks.leastPauseMs);
    expect(nextAttempt({ messageId, scheduledAt, tries: 2, now: scheduledAt + 30 * hour })).toBeNull();
  });

  it('When the receiver requests a pause, then the next attempt waits for it', () => {
    const next = nextAttempt({ messageId, scheduledAt, tries: 1, now: scheduledAt, notBeforeMs: hour });

    expect(next).toBe(scheduledAt + hour);
  });

  it('When two messages fail at the same time, then their retries have different times', () => {
    const seconds = [messageId, messageIdOf('default', 'two', 'event')].map((id) =>
      nextAttempt({ messageId: id, scheduledAt, tries: 2, now: scheduledAt + minute }),
    );

    expect(seconds[0]).not.toBe(seconds[1]);
  });

  it('When any time has passed, then the next attempt is later than now and within the limit, or null', () => {
    void fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 72 * hour }), (tries, elapsed) => {
        const now = scheduledAt + elapsed;
        const next = nextAttempt({ messageId, scheduledAt, tries, now });
        return next === null ? tries > 7 || elapsed >= 24 * hour : next > now && next <= scheduledAt + 27 * hour;
      }),
    );
  });
});

describe('signatures', () => {
  it('When a message is signed with two secrets, then either secret verifies it, and another secret does not', () => {
    const [first, second, other] = [1, 2, 3].map(() => webhookSecret(randomBytes(32))) as [string, string, string];
    const payload = '{"type":"test.ping","name":"Zoë"}';

    const headers = signedHeaders(messageId, Date.now(), payload, [first, second]);

    expect(new Webhook(first).verify(payload, headers)).toEqual({ type: 'test.ping', name: 'Zoë' });
    expect(new Webhook(second).verify(payload, headers)).toEqual({ type: 'test.ping', name: 'Zoë' });
    expect(() => new Webhook(other).verify(payload, headers)).toThrow(/No matching signature/);
    expect(() => new Webhook(first).verify(payload.replace('ping', 'pong'), headers)).toThrow();
    expect(() => new Webhook(first).verify(payload, { ...headers, 'webhook-id': 'another' })).toThrow();
    expect(() => new Webhook(first).verify(payload, signedHeaders(messageId, 0, payload, [first]))).toThrow(/old/);
  });

  it('When one event goes to several webhooks, then each message has its own id, and it is always the same', () => {
    const ids = ['a', 'b', 'a'].map((webhook) => messageIdOf('default', webhook, 'event'));

    expect(ids[0]).toBe(ids[2]);
    expect(new Set([...ids, messageIdOf('other', 'a', 'event')]).size).toBe(3);
  });
});
