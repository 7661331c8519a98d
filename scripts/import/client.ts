import * as z from 'zod';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Outcome } from './outcome.ts';
import type { Photo } from './scan.ts';

export interface Server {
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key: string | undefined;
  /** Model pack to use; the server's default when absent. */
  readonly strategy: string | undefined;
  /** How long one photo is tried, in milliseconds. */
  readonly patience: number;
  readonly clock: Clock;
}

/** The server does not let this client in, or is not one: going on makes no sense. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** Codes that say something about the photo, and will say so again. */
const rejections = new Set([
  'NO_FACE',
  'FACE_REJECTED',
  'AMBIGUOUS_FACE',
  'EMPTY_IMAGE',
  'IMAGE_CORRUPT',
  'UNSUPPORTED_IMAGE',
  'IMAGE_TOO_LARGE',
  'BODY_TOO_LARGE',
  'FACE_OF_OTHER_PERSON',
]);

const firstPause = 500;
const longestPause = 30_000;
const answerTimeout = 120_000;
/** A 5xx other than 503 is tried this often: it may be the photo that breaks the server. */
const brokenAttempts = 3;

const enrolledSchema = z.object({
  data: z.object({
    faces: z.array(z.unknown()),
    rejected: z.array(z.object({ reasons: z.array(z.string()) })).default([]),
  }),
});
const refusedSchema = z.object({
  message: z.string(),
  error: z.object({ code: z.string(), details: z.unknown().optional() }),
});
const rejectedDetails = z.object({ rejected: z.array(z.object({ reasons: z.array(z.string()) })) });

/** Throws a ServerError when nothing useful answers at the address. */
export async function greet({ url, key }: Server): Promise<void> {
  const response = await fetch(`${url}/api/v1/auth/me`, {
    headers: credentials(key),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new ServerError(`Nothing answers at ${url} (${reasonOf(error)}). Start it with: npm start`);
  });
  await response.body?.cancel();
  refuseStrangers(response, url);
  if (response.status === 404) throw new ServerError(`What answers at ${url} is not FreeFace.`);
}

/**
 * Enrols one photo, again and again while the server is busy, starting or away: after Retry-After when it says so, else after
 * a pause that doubles from half a second to half a minute. Rejects with the signal's reason when it is aborted before or while waiting,
 * never while a request is under way, and with a ServerError when the server asks for (other) credentials.
 */
export async function enrol(photo: Photo, bytes: Uint8Array, server: Server, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const { clock } = server;
  const deadline = clock.now() + server.patience;
  for (let attempt = 1; ; attempt++) {
    const answer = await send(photo, bytes, server);
    if ('outcome' in answer) return answer;
    const pause = Math.max(
      answer.retryAfter,
      jittered(Math.min(longestPause, firstPause * 2 ** (attempt - 1)), photo.path, attempt),
    );
    const givenUp = clock.now() + pause > deadline || (answer.broken && attempt >= brokenAttempts);
    if (givenUp) return { outcome: 'failed', code: answer.code, message: answer.message };
    await wait(pause, clock, signal);
  }
}

interface TryAgain {
  readonly code: string;
  readonly message: string;
  /** Milliseconds; 0 when the server did not say. */
  readonly retryAfter: number;
  readonly broken: boolean;
}

async function send(photo: Photo, bytes: Uint8Array, server: Server): Promise<Outcome | TryAgain> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${server.url}/api/v1/faces/enroll`, {
      method: 'POST',
      headers: credentials(server.key),
      body: formOf(photo, bytes, server.strategy),
      signal: AbortSignal.timeout(answerTimeout),
    });
    text = await response.text();
  } catch (error) {
    return { code: 'NO_ANSWER', message: reasonOf(error), retryAfter: 0, broken: false };
  }
  refuseStrangers(response, server.url);
  const json = parseJson(text);
  if (response.ok) return accepted(json);
  const refused = refusedSchema.safeParse(json);
  const code = refused.success ? refused.data.error.code : `HTTP_${response.status}`;
  const message = refused.success ? refused.data.message : text.slice(0, 200);
  if (response.status === 429 || response.status >= 500) {
    const retryAfter = retryAfterOf(response.headers.get('retry-after'), server.clock.now());
    return { code, message, retryAfter, broken: ![429, 502, 503, 504].includes(response.status) };
  }
  if (!rejections.has(code)) return { outcome: 'failed', code, message };
  const details = rejectedDetails.safeParse(refused.data?.error.details);
  return {
    outcome: 'rejected',
    code,
    message,
    reasons: details.success ? unique(details.data.rejected.flatMap(({ reasons }) => reasons)) : [],
  };
}

function accepted(json: unknown): Outcome {
  const parsed = enrolledSchema.safeParse(json);
  if (!parsed.success)
    return { outcome: 'failed', code: 'ANSWER_UNREADABLE', message: 'The answer is not an enrolment.' };
  const { faces, rejected } = parsed.data.data;
  return {
    outcome: 'enrolled',
    faces: faces.length,
    rejectedFaces: unique(rejected.flatMap(({ reasons }) => reasons)),
  };
}

function formOf({ path, person }: Photo, bytes: Uint8Array, strategy: string | undefined): FormData {
  const form = new FormData();
  if (person) {
    form.set('external_id', person.externalId);
    form.set('name', person.name);
  } else form.set('processing_options', JSON.stringify({ enable_multi_face: true }));
  if (strategy !== undefined) form.set('strategy', strategy);
  form.set('image', new Blob([bytes]), path.slice(path.lastIndexOf('/') + 1));
  return form;
}

function refuseStrangers({ status }: Response, url: string): void {
  if (status === 401) throw new ServerError(`${url} wants a key: pass it with --key or FREEFACE_KEY.`);
  if (status === 403) throw new ServerError(`${url} does not let this key enrol faces.`);
}

const credentials = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

/** `Retry-After` in seconds or as a date, to milliseconds; at most ten minutes. */
function retryAfterOf(header: string | null, now: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(milliseconds) ? Math.min(600_000, Math.max(0, milliseconds)) : 0;
}

/** Spreads clients that were turned away together: 75 to 125 %, by the photo's path rather than by chance. */
function jittered(pause: number, path: string, attempt: number): number {
  let hash = attempt;
  for (const character of path) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  return pause * (0.75 + (hash % 1000) / 2000);
}

function wait(milliseconds: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)];
