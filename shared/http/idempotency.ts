import { createHash } from 'node:crypto';
import { presentErrorDetails } from '../api/errors.ts';
import { AppError, type ErrorCode, toAppError } from '../errors.ts';
import { changesState, type HttpManifest } from '../function/define.ts';
import type { OutgoingResponse } from '../function/message.ts';
import type { Cache } from '../ports/cache.ts';
import type { Ports } from '../ports/index.ts';
import type { HttpExchange } from './exchange.ts';
import { seal, unseal } from './sealed.ts';

/** Does what a call asks for, or answers what it has answered before. */
export type Idempotently = (event: HttpExchange, run: () => Promise<OutgoingResponse>) => Promise<OutgoingResponse>;

/** How long an outcome is kept. */
const keptMs = 24 * 3600 * 1000;
/** How long after its time is up a call that never came to an end blocks its key. */
const graceMs = 30_000;

/**
 * Heeds `Idempotency-Key` where the manifest says that state is changed: of several calls with one key and one content the first is
 * made, and its outcome is the answer to all.
 *
 * [Note: Around the work, not around the answer]
 * It surrounds the handler and nothing else. A caller who leaves, or whose time is up, gets no answer, but the work may still come
 * to its end; its outcome is kept all the same, for the repeat that is sure to come. While the first call runs a mark stands in the
 * cache, which outlives the function's time-out by half a minute, so that a process that dies blocks a key no longer than that.
 * Refusals before the handler (who calls, how often, with what fields) come out the same each time and are not kept.
 *
 * [Note: A key that cannot be kept]
 * With the cache away nobody can tell whether a call is a repeat. It is refused with 503 before anything is done: who sends a key
 * asks for once and not twice, and can wait or leave the key out. A cache that loses what it holds loses outcomes with it; what
 * must not happen twice in any case, as enrolling a face, has ids that follow from its content.
 *
 * Errors: VALIDATION_FAILED for a malformed key, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_SECRET_SHOWN,
 * STORE_UNAVAILABLE.
 */
export function idempotently(manifest: HttpManifest, { cache }: Pick<Partial<Ports>, 'cache'>): Idempotently {
  if (cache === undefined || !changesState(manifest)) return (_, run) => run();
  return async (event, run) => {
    const key = event.request.headers['idempotency-key'];
    if (key === undefined) return run();
    checkKey(key);
    const call = identityOf(event, key);
    const earlier = await claim(cache, event, call);
    if (earlier !== null) {
      event.answerHeaders['idempotency-replayed'] = 'true';
      return replay(earlier, call);
    }
    return run().then(
      async (response) => {
        await keep(cache, event, call, outcomeOf(manifest, response, call));
        return response;
      },
      async (error: unknown) => {
        await keep(cache, event, call, failureOf(toAppError(error), call));
        throw error;
      },
    );
  };
}

function checkKey(key: string): void {
  if (/^[\x20-\x7e\x80-\xff]{1,255}$/.test(key)) return;
  const issue = 'must have 1 to 255 characters and no control characters';
  throw new AppError('VALIDATION_FAILED', {
    message: `Idempotency-Key ${issue}.`,
    details: [{ field: 'Idempotency-Key', issue }],
  });
}

interface Identity {
  /** Where it stands in the cache. */
  readonly name: string;
  /** What was asked, as a digest. */
  readonly fingerprint: string;
  /** Known only to who has both the key and the content. */
  readonly secret: string;
  /** Of this call alone: who repeats a call may repeat its X-Request-Id as well. */
  readonly mark: string;
}

/** The content is what was understood, not the bytes: a repeated form has another boundary. */
function identityOf({ request, principal, input, manifest, newId }: HttpExchange, key: string): Identity {
  const { params, query, body, image } = input;
  const content = canonical([
    manifest.trigger.method,
    request.path,
    params,
    query,
    body,
    request.headers['if-match'] ?? null,
    image === undefined ? null : createHash('sha256').update(image).digest('hex'),
  ]);
  const who = `${principal?.kind}:${principal?.id}`;
  return {
    name: `idempotency:${digest('name', who, key)}`,
    fingerprint: digest('fingerprint', who, key, content),
    secret: digest('secret', who, key, content),
    mark: newId(),
  };
}

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** JSON with the names of every object in order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

type Kept =
  | { readonly state: 'running'; readonly by: string }
  | { readonly state: 'answered' | 'failed'; readonly sealed: string }
  | { readonly state: 'secret' };
type Entry = Kept & { readonly fingerprint: string };

/** null: the call is this one's to make. */
async function claim(
  cache: Cache,
  { tenant, manifest, signal }: HttpExchange,
  { name, fingerprint, mark: by }: Identity,
): Promise<Exclude<Kept, { state: 'running' }> | null> {
  const mark: Entry = { state: 'running', by, fingerprint };
  const ttlMs = manifest.timeoutSeconds * 1000 + graceMs;
  // What was there may be gone by the time it is read; then the key is free.
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await cache.add(tenant, name, JSON.stringify(mark), { ttlMs, signal })) return null;
    const found = await cache.get(tenant, name, { signal });
    if (found === null) continue;
    const entry = JSON.parse(found) as Entry;
    if (entry.fingerprint !== fingerprint) throw new AppError('IDEMPOTENCY_KEY_REUSED');
    if (entry.state !== 'running') return entry;
    break;
  }
  throw new AppError('IDEMPOTENCY_KEY_IN_USE', { retryAfter: 1 });
}

/** null: a repeat shall try again. */
function outcomeOf(manifest: HttpManifest, response: OutgoingResponse, { secret }: Identity): Kept | null {
  if (manifest.secret === true) return { state: 'secret' };
  if (typeof response.body !== 'string' && response.body !== null) return null;
  return { state: 'answered', sealed: seal(secret, JSON.stringify(response)) };
}

function failureOf(error: AppError, { secret }: Identity): Kept | null {
  if (error.httpStatus >= 500 || error.httpStatus === 429) return null;
  const { code, message } = error;
  const details = presentErrorDetails(error.details);
  return { state: 'failed', sealed: seal(secret, JSON.stringify({ code, message, details } satisfies KeptFailure)) };
}

interface KeptFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: unknown;
}

/** Never fails what has been done: without a kept outcome the mark goes by itself. */
async function keep(
  cache: Cache,
  { tenant, log }: HttpExchange,
  { name, fingerprint, mark }: Identity,
  outcome: Kept | null,
): Promise<void> {
  try {
    // Who ran far beyond their time have lost the mark, and another call may stand there.
    const found = await cache.get(tenant, name);
    const entry = found === null ? null : (JSON.parse(found) as Entry);
    if (entry !== null && !(entry.state === 'running' && entry.by === mark)) return;
    if (outcome === null) await cache.delete(tenant, name);
    else await cache.set(tenant, name, JSON.stringify({ ...outcome, fingerprint } satisfies Entry), { ttlMs: keptMs });
  } catch (error) {
    log.warn({ err: error }, 'the outcome for an Idempotency-Key was not kept');
  }
}

function replay(kept: Exclude<Kept, { state: 'running' }>, { secret }: Identity): OutgoingResponse {
  if (kept.state === 'secret') throw new AppError('IDEMPOTENCY_SECRET_SHOWN');
  const text = unseal(secret, kept.sealed);
  if (kept.state === 'answered') return JSON.parse(text) as OutgoingResponse;
  const { code, ...rest } = JSON.parse(text) as KeptFailure;
  throw new AppError(code, rest);
}
