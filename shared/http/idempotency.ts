import { createHash } from 'node:crypto';
import { presentErrorDetails } from '../api/errors.ts';
import { AppError, type ErrorCode, toAppError } from '../errors.ts';
import { changesState, type HttpManifest } from '../function/define.ts';
import type { OutgoingResponse } from '../function/message.ts';
import type { Cache } from '../ports/cache.ts';
import type { Ports } from '../ports/index.ts';
import { subjectsOf } from './audit-subjects.ts';
import type { HttpExchange } from './exchange.ts';
import { seal, unseal } from './sealed.ts';

/** Runs the handler, or returns the stored response of an earlier request. */
export type Idempotently = (event: HttpExchange, run: () => Promise<OutgoingResponse>) => Promise<OutgoingResponse>;

/** How long a result is stored. */
const keptMs = 24 * 3600 * 1000;
/** How long a request that never ends blocks its key after its time-out. */
const graceMs = 30_000;

/**
 * Supports `Idempotency-Key` for functions that change state: of several requests with the same key and the same content only the
 * first one runs, and its result is the response to all of them.
 *
 * [Note: The key covers the handler, not the response]
 * Only the handler is wrapped. A caller who disconnects or waits too long gets no response, but the handler may still finish. Its
 * result is stored, because a repeat is likely. While the first request runs, the cache contains a mark. The mark outlives the
 * function's time-out by half a minute, so a process that dies blocks a key no longer than that. Refusals before the handler
 * (authentication, rate limits, validation) are the same each time and are not stored.
 *
 * [Note: A key that cannot be kept]
 * Without the cache it is unknown whether a request is a repeat. The request is refused with 503 before anything is done: a caller
 * who sends a key wants the work done once, not twice, and can wait or leave out the key. Marks are security state of the tenant
 * (see: [Note: Security state is not a cached value]). If a tenant has stored as many marks as it may have, a new key is refused with
 * 429. Responses have a separate space: if the oldest response is removed there, its mark stays, and the repeat receives
 * IDEMPOTENCY_RESPONSE_GONE instead of a second run.
 *
 * [Note: A stored response about an erased person]
 * A stored response may contain data of a person who was erased since then. It is not returned again: the repeat is answered 410. The
 * response to the erasure itself, with its receipt, is returned again.
 *
 * Errors: PERSON_ERASED, VALIDATION_FAILED for a malformed key, IDEMPOTENCY_KEY_IN_USE, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_SECRET_SHOWN,
 * IDEMPOTENCY_RESPONSE_GONE, RATE_LIMITED, STORE_UNAVAILABLE.
 *
 * @example
 * const once = idempotently(manifest, { cache });
 * const response = await once(exchange, () => handle(exchange));
 */
export function idempotently(
  manifest: HttpManifest,
  { cache, records }: Pick<Partial<Ports>, 'cache' | 'records'>,
): Idempotently {
  if (cache === undefined || !changesState(manifest)) return (_, run) => run();
  return async (event, run) => {
    const key = event.request.headers['idempotency-key'];
    if (key === undefined) return run();
    checkKey(key);
    const call = identityOf(event, key);
    const earlier = await claim(cache, event, call);
    if (earlier !== null) {
      event.responseHeaders['idempotency-replayed'] = 'true';
      const replayed = await replay(cache, event, earlier, call);
      if (records !== undefined && manifest.trigger.method !== 'DELETE') await refuseErased(replayed, event, records);
      return replayed;
    }
    return run().then(
      async (response) => {
        await keep(cache, event, call, outcomeOf(manifest, response));
        return response;
      },
      async (error: unknown) => {
        await keep(cache, event, call, failureOf(toAppError(error)));
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
  /** Key of the mark in the cache, and of the stored response. */
  readonly name: string;
  /** Digest of the request. */
  readonly fingerprint: string;
  /** Encrypts the stored result. Only a caller with both the key and the content can derive it. */
  readonly secret: string;
  /** Identifies this request alone: a repeat may have the same X-Request-Id. */
  readonly mark: string;
}

/** Compares the parsed content, not the bytes: a repeated form has another boundary. */
function identityOf({ request, principal, input, manifest, newId }: HttpExchange, key: string): Identity {
  const { params, query, body, image, otherImage } = input;
  const content = canonical([
    manifest.trigger.method,
    request.path,
    params,
    query,
    body,
    request.headers['if-match'] ?? null,
    image === undefined ? null : digestOf(image),
    ...(otherImage === undefined ? [] : [digestOf(otherImage)]),
  ]);
  const caller = `${principal?.kind}:${principal?.id}`;
  return {
    name: `idempotency:${digest('name', caller, key)}`,
    fingerprint: digest('fingerprint', caller, key, content),
    secret: digest('secret', caller, key, content),
    mark: newId(),
  };
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** JSON with sorted keys in every object. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

type Mark =
  | { readonly state: 'running'; readonly by: string }
  /** The response is a separate entry. */
  | { readonly state: 'answered' | 'failed' }
  | { readonly state: 'secret' };
type Entry = Mark & { readonly fingerprint: string };

const mark = { kept: 'idempotency' } as const;
const response = { kept: 'response' } as const;

/** Reserves the key for this request. null: reserved, run the handler; otherwise the stored result. */
async function claim(
  cache: Cache,
  { tenant, manifest, signal }: HttpExchange,
  { name, fingerprint, mark: by }: Identity,
): Promise<Ended | null> {
  const running: Entry = { state: 'running', by, fingerprint };
  const ttlMs = manifest.timeoutSeconds * 1000 + graceMs;
  // An entry may expire before it is read; then the key is free.
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await cache.add(tenant, name, JSON.stringify(running), { ...mark, ttlMs, signal })) return null;
    const found = await cache.get(tenant, name, { ...mark, signal });
    if (found === null) continue;
    const entry = JSON.parse(found) as Entry;
    if (entry.fingerprint !== fingerprint) throw new AppError('IDEMPOTENCY_KEY_REUSED');
    if (entry.state !== 'running') return entry;
    break;
  }
  throw new AppError('IDEMPOTENCY_KEY_IN_USE', { retryAfter: 1 });
}

type Ended = Exclude<Mark, { state: 'running' }>;

/** The end of a request, and the text to store with it. */
interface Outcome {
  readonly end: Ended;
  readonly text: string | null;
}

/** null: store nothing, so that a repeat runs again. */
function outcomeOf(manifest: HttpManifest, answer: OutgoingResponse): Outcome | null {
  if (manifest.secret === true) return { end: { state: 'secret' }, text: null };
  if (typeof answer.body !== 'string' && answer.body !== null) return null;
  return { end: { state: 'answered' }, text: JSON.stringify(answer) };
}

function failureOf(error: AppError): Outcome | null {
  if (error.httpStatus >= 500 || error.httpStatus === 429) return null;
  const { code, message } = error;
  const details = presentErrorDetails(error.details);
  return { end: { state: 'failed' }, text: JSON.stringify({ code, message, details } satisfies KeptFailure) };
}

interface KeptFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: unknown;
}

/** Never fails work that is done. If the result cannot be stored, the mark expires automatically. */
async function keep(
  cache: Cache,
  { tenant, log }: HttpExchange,
  { name, fingerprint, secret, mark: by }: Identity,
  outcome: Outcome | null,
): Promise<void> {
  try {
    // A request that ran far too long has lost its mark, and the entry may belong to another request.
    const found = await cache.get(tenant, name, mark);
    const entry = found === null ? null : (JSON.parse(found) as Entry);
    if (entry !== null && !(entry.state === 'running' && entry.by === by)) return;
    if (outcome === null) {
      await cache.delete(tenant, name, mark);
      return;
    }
    // The response first: a process that dies in between leaves the mark `running`, and the repeat runs after it expires. With the mark
    // first, the repeat would never get its response.
    if (outcome.text !== null) {
      await cache
        .set(tenant, name, seal(secret, outcome.text), { ...response, ttlMs: keptMs })
        .catch((error: unknown) => log.warn({ err: error }, 'cannot store the response for an Idempotency-Key'));
    }
    // Also if the response could not be stored: the request must not run again.
    const text = JSON.stringify({ ...outcome.end, fingerprint } satisfies Entry);
    await cache.set(tenant, name, text, { ...mark, ttlMs: keptMs });
  } catch (error) {
    log.warn({ err: error }, 'cannot store the result for an Idempotency-Key');
  }
}

/** Errors: PERSON_ERASED if the request or its stored response names an erased person. */
async function refuseErased({ body }: OutgoingResponse, event: HttpExchange, records: Ports['records']): Promise<void> {
  // Every function that changes state responds with JSON.
  const replies = typeof body === 'string' && body.startsWith('{') ? [JSON.parse(body) as unknown] : [];
  const { persons } = subjectsOf(event, replies);
  if (persons.length === 0) return;
  const erased = await records.erasedPersons(event.tenant, persons, { signal: event.signal });
  if (erased.length > 0) throw new AppError('PERSON_ERASED');
}

async function replay(
  cache: Cache,
  { tenant, signal }: HttpExchange,
  { state }: Ended,
  { name, secret }: Identity,
): Promise<OutgoingResponse> {
  if (state === 'secret') throw new AppError('IDEMPOTENCY_SECRET_SHOWN');
  const sealed = await cache.get(tenant, name, { ...response, signal });
  if (sealed === null) throw new AppError('IDEMPOTENCY_RESPONSE_GONE');
  const text = unseal(secret, sealed);
  if (state === 'answered') return JSON.parse(text) as OutgoingResponse;
  const { code, ...rest } = JSON.parse(text) as KeptFailure;
  throw new AppError(code, rest);
}
