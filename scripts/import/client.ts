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
  /** Longest time to retry one photo, in milliseconds. */
  readonly patience: number;
  readonly clock: Clock;
}

/** The server refuses this client, or it is not a FreeFace server. The import must stop. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** Error codes that depend on the photo itself: sending it again gives the same result. */
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

/** Milliseconds. */
const firstPause = 500;
const longestPause = 30_000;
const answerTimeout = 120_000;
const readTimeout = 10_000;
/** Largest number of attempts after a 5xx other than 502, 503 and 504: the photo itself may cause the error. */
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
const ownerDetails = z.object({ person_id: z.string() });
const personSchema = z.object({ external_id: z.string().nullable(), name: z.string().nullable() });
const rejectedDetails = z.object({ rejected: z.array(z.object({ reasons: z.array(z.string()) })) });

/** Checks that a FreeFace server answers and accepts the key. Errors: ServerError. */
export async function greet({ url, key }: Server): Promise<void> {
  const response = await fetch(`${url}/api/v1/auth/me`, {
    headers: credentials(key),
    signal: AbortSignal.timeout(readTimeout),
  }).catch((error: unknown) => {
    throw new ServerError(`No server answers at ${url} (${reasonOf(error)}). Start it with: npm start`);
  });
  await response.body?.cancel();
  checkAuthorised(response, url);
  if (response.status === 404) throw new ServerError(`The server at ${url} is not FreeFace.`);
}

/**
 * Enrols one photo. Retries while the server is busy, starting or unreachable: after Retry-After when the response has it, else after
 * a pause that doubles from half a second to half a minute. Rejects with the signal's reason when the signal is aborted before the first
 * request or during a pause, never during a request. Errors: ServerError when the server refuses the key.
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
  /** Milliseconds; 0 when the response has no Retry-After. */
  readonly retryAfter: number;
  /** A 5xx other than 502, 503 and 504. */
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
  checkAuthorised(response, server.url);
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
  const owner = ownerDetails.safeParse(refused.data?.error.details);
  return {
    outcome: 'rejected',
    code,
    message: owner.success ? `${message} ${await describeOwner(owner.data.person_id, server)}` : message,
    reasons: details.success ? unique(details.data.rejected.flatMap(({ reasons }) => reasons)) : [],
  };
}

/** The `data` of a response to GET; null when the server refuses the request, or has no such data. `path`: below `/api/v1/`. */
export async function readData<Data>({ url, key }: Server, path: string, data: z.ZodType<Data>): Promise<Data | null> {
  try {
    const response = await fetch(`${url}/api/v1/${path}`, {
      headers: credentials(key),
      signal: AbortSignal.timeout(readTimeout),
    });
    return z.object({ data }).parse(await response.json()).data;
  } catch {
    return null;
  }
}

/** Names the person who has the face already: the usual reason is that the folder was renamed after an earlier import. */
async function describeOwner(personId: string, server: Server): Promise<string> {
  const person = await readData(server, `persons/${encodeURIComponent(personId)}`, personSchema);
  const owner = person?.external_id ?? personId;
  const name = person?.name == null ? '' : ` (${person.name})`;
  return `It belongs to ${owner}${name}. If you renamed the folder, change the external_id of this person to the new name.`;
}

function accepted(json: unknown): Outcome {
  const parsed = enrolledSchema.safeParse(json);
  if (!parsed.success)
    return { outcome: 'failed', code: 'ANSWER_UNREADABLE', message: 'The response is not an enrolment.' };
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

function checkAuthorised({ status }: Response, url: string): void {
  if (status === 401) throw new ServerError(`${url} requires a valid key. Set it with --key or FREEFACE_KEY.`);
  if (status === 403) throw new ServerError(`${url} refuses this key: it may not enrol faces. Use another key.`);
}

/** The header with the key. */
const credentials = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

/** `Retry-After` (seconds or a date) in milliseconds; at most ten minutes. */
function retryAfterOf(header: string | null, now: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const milliseconds = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(milliseconds) ? Math.min(600_000, Math.max(0, milliseconds)) : 0;
}

/** 75 to 125 % of the pause, so that photos refused together are not all retried together. Depends on the path, not on chance. */
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
