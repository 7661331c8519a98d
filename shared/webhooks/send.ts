import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { webhooks as tuning } from '../domain/webhooks.ts';
import type { Clock } from '../ports/clock.ts';
import { type Allowed, hostOf, resolvedProblem, targetProblem } from './addresses.ts';
import { type Resolve, resolveName } from './resolve.ts';

export interface Sent {
  /** HTTP status; null: there was no answer. */
  readonly status: number | null;
  /** What went wrong, in a word or two; null: the receiver has taken it. */
  readonly error: string | null;
  readonly durationMs: number;
  /** What the receiver asked to be left alone for; 0: nothing. */
  readonly retryAfterMs: number;
}

export interface SendOptions {
  readonly clock: Clock;
  readonly allowed: Allowed;
  readonly signal: AbortSignal;
  readonly resolve?: Resolve;
}

/**
 * Sends `payload` once. Whatever the receiver does is an outcome; rejects only with the reason of the aborted `signal`. The body of an
 * answer is not read. See: [Note: No way inside]
 */
export async function send(
  target: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly payload: string },
  options: SendOptions,
): Promise<Sent> {
  options.signal.throwIfAborted();
  const begun = performance.now();
  const outcome = await attempt(target, options);
  options.signal.throwIfAborted();
  return { ...outcome, durationMs: performance.now() - begun };
}

type Outcome = Omit<Sent, 'durationMs'>;
const failure = (error: string): Outcome => ({ status: null, error, retryAfterMs: 0 });

function attempt(
  { url: text, headers, payload }: Parameters<typeof send>[0],
  { clock, allowed, signal, resolve = resolveName }: SendOptions,
): Promise<Outcome> {
  const problem = targetProblem(text, allowed);
  if (problem !== null) return Promise.resolve(failure(`the URL ${problem}`));
  const url = new URL(text);
  const body = Buffer.from(payload);
  return new Promise((done) => {
    const request = (url.protocol === 'http:' ? http : https).request(url, {
      method: 'POST',
      // A connection of its own: one that is kept was checked for another attempt.
      agent: false,
      // undefined where the host is an address, which was checked above.
      lookup: isIP(hostOf(url)) === 0 ? checkedLookup(allowed, resolve) : undefined,
      signal,
      headers: {
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'FreeFace',
        ...headers,
      },
    });
    const finish = (outcome: Outcome): void => {
      cancel();
      request.destroy();
      done(outcome);
    };
    const cancel = clock.after(tuning.timeoutMs, () => finish(failure('no answer in time')));
    request.on('response', (response) => finish(outcomeOf(response, clock)));
    // Later ones come from the connection that was cut off here.
    request.on('error', (error) => finish(failure(wordFor(error))));
    request.end(body);
  });
}

/** Finds out once what a name means, and lets the connection be made to nothing else. */
export const checkedLookup =
  (allowed: Allowed, resolve: Resolve): LookupFunction =>
  (host, options, callback) => {
    resolve(host)
      .then((addresses) => {
        if (addresses.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
        for (const { address } of addresses) {
          if (resolvedProblem(host, address, allowed) !== null) throw new RefusedAddress('refused');
        }
        return addresses;
      })
      .then(
        (addresses) => {
          if (options.all === true) callback(null, [...addresses]);
          else callback(null, addresses[0]!.address, addresses[0]!.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
  };

class RefusedAddress extends Error {}

function outcomeOf({ statusCode, headers }: http.IncomingMessage, clock: Clock): Outcome {
  const status = statusCode ?? 0;
  const error =
    status >= 200 && status < 300
      ? null
      : status >= 300 && status < 400
        ? `answered ${status}; redirects are not followed`
        : `answered ${status}`;
  return { status, error, retryAfterMs: retryAfter(headers['retry-after'], clock.now()) };
}

/** At most as long as the last retry takes anyway. */
function retryAfter(given: string | undefined, now: number): number {
  if (given === undefined) return 0;
  const milliseconds = /^\d{1,9}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now;
  return Number.isFinite(milliseconds) ? Math.min(Math.max(0, milliseconds), 24 * 60 * 60 * 1000) : 0;
}

/** For the log that admins read: what happened, nothing of what is there. */
function wordFor(error: NodeJS.ErrnoException): string {
  if (error instanceof RefusedAddress) return 'the name leads to a private address';
  const code = error.code ?? '';
  if (/^(ENOTFOUND|ENODATA|EAI_|ESERVFAIL|ETIMEOUT|EREFUSED)/.test(code)) return 'the name is not known';
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_/.test(code)) return `no trusted connection (${code})`;
  return code === '' ? 'the connection failed' : `the connection failed (${code})`;
}
