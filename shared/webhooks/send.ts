import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { webhooks as tuning } from '../domain/webhooks.ts';
import type { Clock } from '../ports/clock.ts';
import { type Allowed, hostOf, resolvedProblem, targetProblem } from './addresses.ts';
import { type Resolve, resolveName } from './resolve.ts';

export interface Sent {
  /** HTTP status; null: no response. */
  readonly status: number | null;
  /** The error in a few words; null: the receiver has accepted the message. */
  readonly error: string | null;
  readonly durationMs: number;
  /** Pause that the receiver asked for with Retry-After; 0: none. */
  readonly retryAfterMs: number;
}

export interface SendOptions {
  readonly clock: Clock;
  readonly allowed: Allowed;
  readonly signal: AbortSignal;
  readonly resolve?: Resolve;
}

/**
 * Sends `payload` once. Any behaviour of the receiver is a result; rejects only if `signal` is aborted, with its reason. Does not read the
 * body of the response. See: [Note: Webhooks reach only public addresses]
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
      // A new connection for each attempt: a kept connection was checked for another attempt.
      agent: false,
      // undefined if the host is an address: targetProblem has checked it.
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
    const cancel = clock.after(tuning.timeoutMs, () => finish(failure('no response in time')));
    request.on('response', (response) => finish(outcomeOf(response, clock)));
    // After `finish`, further errors come from the connection that `finish` has destroyed; they have no effect.
    request.on('error', (error) => finish(failure(textOf(error))));
    request.end(body);
  });
}

/** Resolves a host name once and checks every address. The connection can use only these addresses. */
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

/** Milliseconds from a Retry-After header, at most one day: the last retry comes about one day after the first attempt. */
function retryAfter(given: string | undefined, now: number): number {
  if (given === undefined) return 0;
  const milliseconds = /^\d{1,9}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - now;
  return Number.isFinite(milliseconds) ? Math.min(Math.max(0, milliseconds), 24 * 60 * 60 * 1000) : 0;
}

/** An error text for the delivery log. It reveals nothing about the receiver's network. */
function textOf(error: NodeJS.ErrnoException): string {
  if (error instanceof RefusedAddress)
    return 'the host name resolves to a private address, which FREEFACE_WEBHOOK_ALLOW does not list';
  const code = error.code ?? '';
  if (/^(ENOTFOUND|ENODATA|EAI_|ESERVFAIL|ETIMEOUT|EREFUSED)/.test(code)) return 'the host name cannot be resolved';
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_/.test(code)) return `the TLS connection is not trusted (${code})`;
  return code === '' ? 'the connection failed' : `the connection failed (${code})`;
}
