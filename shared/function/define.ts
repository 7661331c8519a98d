import type * as z from 'zod';
import type { Config } from '../config.ts';
import type { Principal, RequiredScope } from '../domain/access.ts';
import type { ErrorCode } from '../errors.ts';
import type { EventType, Topic } from '../events/catalogue.ts';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Event } from '../ports/events.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface HttpTrigger {
  readonly kind: 'http';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Segments in braces are parameters: `/api/v1/faces/{face_id}`. */
  readonly path: `/${string}`;
  /** Further paths that lead to the same function; not part of the described API. */
  readonly aliases?: readonly `/${string}`[];
  /** What a caller must be allowed to do. null: anybody may call. */
  readonly scope: RequiredScope | null;
}

export interface EventTrigger {
  readonly kind: 'event';
  /** One, or several of one topic. */
  readonly type: EventType | readonly EventType[];
  /** null: called directly as request and reply, never through a topic. */
  readonly topic: Topic | null;
  readonly delivery?: Delivery;
  /**
   * Ports without which the handler cannot do its work; each is one of `uses`. Default: none. While the circuit breaker of one is open,
   * the event is answered 503 at once and the handler does not run. See: [Note: Waiting is no attempt]
   */
  readonly needs?: readonly PortName[];
}

export interface CronTrigger {
  readonly kind: 'cron';
  /** Minutes between two runs. */
  readonly everyMinutes: number;
  /** The local runtime runs it this often instead; where a platform keeps the schedule, a minute is the least. */
  readonly localSeconds?: number;
  /** Run once when the process starts, before the first request is answered. */
  readonly atStart?: boolean;
  /** The local runtime also runs it a moment after it has become ready, beside the first requests. */
  readonly soonAfterStart?: boolean;
  /** The local runtime also runs it soon after every request that may have written. */
  readonly afterWrites?: boolean;
}

interface CommonManifest {
  /** verb-noun, the folder's name. */
  readonly name: string;
  /** One line, imperative. */
  readonly summary: string;
  readonly uses: readonly PortName[];
  readonly emits?: readonly EventType[];
  /** Kubernetes quantities that the function asks for. */
  readonly resources: { readonly cpu: string; readonly memory: string };
  readonly scale: { readonly min: number; readonly max: number };
  /** Requests that one instance takes at once. */
  readonly concurrency: number;
  /** One call may take this long; then it is aborted. */
  readonly timeoutSeconds: number;
  /** How a cluster scales it. */
  readonly scaling?: Scaling;
}

/** What stands in a function's service beside its size, and the reasons, which are written beside the numbers. */
export interface Scaling {
  /** Kubernetes quantity that it never exceeds. */
  readonly memoryLimit: string;
  /** Seconds without a request before the last instance goes, beyond the autoscaler's own. */
  readonly keepSeconds: number;
  /** Seconds over which the autoscaler averages. */
  readonly windowSeconds: number;
  /** How full an instance should be, in per cent of `concurrency`. */
  readonly utilization: number;
  readonly why: Readonly<Record<'resources' | 'concurrency' | 'scale' | 'keep' | 'window', string>>;
}

/** Declares an answer that is not JSON. */
export interface BinaryOutput {
  readonly binary: readonly string[];
  /** Whether the answer may be a link to where the bytes are (302). */
  readonly redirects?: boolean;
}

export interface HttpManifest extends CommonManifest {
  readonly trigger: HttpTrigger;
  /** Longer text for the API page. */
  readonly description?: string;
  readonly tag?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** JSON body, or the fields of a form, or the query of a raw image. */
  readonly body?: z.ZodObject;
  /** Bytes of a JSON body; as many as one person's data needs when absent. */
  readonly maxBodyBytes?: number;
  /** The request carries an image: base64 in `image_data`, a file part `image`, or the raw body. */
  readonly image?: 'required' | 'optional';
  readonly output: z.ZodType | BinaryOutput;
  /** The answer holds a secret that is shown once: it is never kept, not even for a repeated Idempotency-Key. */
  readonly secret?: true;
  /** A limit of its own beside the common ones: `login` is strict, for whatever takes a password or a secret from a stranger. */
  readonly rateLimit?: 'login';
  /** Status of a successful answer. Default 200. */
  readonly status?: 200 | 201 | 202;
  /** What can go wrong beyond what every function answers (see `commonErrors` in the OpenAPI generator). */
  readonly errors?: readonly ErrorCode[];
  readonly examples?: { readonly request?: unknown; readonly response?: unknown };
}

export interface EventManifest extends CommonManifest {
  readonly trigger: EventTrigger;
}

export interface CronManifest extends CommonManifest {
  readonly trigger: CronTrigger;
}

export type Manifest = HttpManifest | EventManifest | CronManifest;

/** What every call gets beside its input. */
export interface CallContext {
  readonly tenant: Tenant;
  /** Who calls; null where nobody has to say so, and for what the platform does by itself. */
  readonly principal: Principal | null;
  readonly requestId: string;
  /** W3C trace context to hand on. */
  readonly traceparent: string;
  /** Aborts when the caller is gone or the time is up; belongs into every port call. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of this process. */
  readonly metrics: Metrics;
  /** The part of the configuration that a handler may know. */
  readonly config: Pick<Config, 'webhookAllow' | 'maxImageBytes'>;
  /** A new UUIDv7. */
  readonly newId: () => string;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<never, never>;
type GivenImage<M> = M extends { image: 'required' }
  ? Uint8Array
  : M extends { image: 'optional' }
    ? Uint8Array | undefined
    : undefined;

export interface HttpCall<M extends HttpManifest> extends CallContext {
  readonly params: Parsed<M['params']>;
  readonly query: Parsed<M['query']>;
  readonly body: Parsed<M['body']>;
  readonly image: GivenImage<M>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly path: string;
}

export interface EventCall extends CallContext {
  readonly event: Event;
  /** The raw body when the event carries bytes. */
  readonly bytes: Uint8Array | undefined;
}

/** For the audit log, beside the ids that stand in the answer's data. */
export interface AuditNote {
  /** Anything with fields like `person_id`: whom the answer is about although it does not say so, as an image's bytes. */
  readonly about?: unknown;
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/** `data` goes into the success envelope. */
export interface Reply<Data> {
  readonly data: Data;
  readonly message?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly audit?: AuditNote;
}

export interface BinaryReply {
  /** Bit by bit for what is too long to hold. */
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly contentType?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly audit?: AuditNote;
}

type ReplyOf<M extends HttpManifest> = M['output'] extends z.ZodType ? Reply<z.input<M['output']>> : BinaryReply;

/** Only the declared ports: touching another does not compile. */
export type UsedPorts<M extends Manifest> = Pick<Ports, M['uses'][number]>;

export type Handler<M extends Manifest> = M extends HttpManifest
  ? (call: HttpCall<M>, ports: UsedPorts<M>) => Promise<ReplyOf<M>>
  : M extends EventManifest
    ? (call: EventCall, ports: UsedPorts<M>) => Promise<Event | undefined>
    : (call: CallContext, ports: UsedPorts<M>) => Promise<Readonly<Record<string, unknown>>>;

/** Only a declared port can be needed: any other in `needs` does not compile. */
type NeedsWithinUses<M extends Manifest> = M extends EventManifest
  ? { readonly trigger: { readonly needs?: readonly M['uses'][number][] } }
  : unknown;

/** A manifest with its handler, the types erased. */
export interface FunctionDefinition {
  readonly manifest: Manifest;
  readonly handler: (call: never, ports: never) => Promise<unknown>;
}

/**
 * Declares a function: the manifest is the single source of truth for its route, its API page, its service, its bundle and
 * the ports its handler may touch.
 *
 * @example
 * export default defineFunction(
 *   { name: 'get-face', trigger: { kind: 'http', method: 'GET', path: '/api/v1/faces/{face_id}', scope: 'faces:read' }, uses: ['records'], … },
 *   async ({ params, tenant, signal }, { records }) => ({ data: … }),
 * );
 */
export function defineFunction<const M extends Manifest>(
  manifest: M & NeedsWithinUses<M>,
  handler: Handler<M>,
): { manifest: M; handler: Handler<M> } {
  return { manifest, handler };
}

/**
 * Every port a function needs: those of its handler, those with which the pipeline finds out who calls, limits how often, and writes
 * down what was done, and the cache, where its counts go. Probes and pages that need nothing count for themselves.
 */
export function portsOf(manifest: Manifest): readonly PortName[] {
  const { uses } = manifest;
  if (!isHttp(manifest)) return [...new Set<PortName>([...uses, 'cache'])];
  if (manifest.trigger.scope !== null) return [...new Set<PortName>([...uses, 'accounts', 'cache', 'audit'])];
  return manifest.rateLimit === undefined ? uses : [...new Set<PortName>([...uses, 'accounts', 'cache', 'audit'])];
}

/** Whether a function writes events with its rows, which another function publishes. See: [Note: Who publishes] */
export const writesEvents = ({ uses, emits = [] }: Manifest): boolean =>
  emits.length > 0 && uses.includes('records') && !uses.includes('events');

/** Whether a call changes what is stored, so that it heeds an Idempotency-Key: every method that may, unless a reading scope is enough for it. */
export const changesState = ({ trigger: { method, scope } }: HttpManifest): boolean =>
  method !== 'GET' && scope !== null && !scope.endsWith(':read');

export const isHttp = (manifest: Manifest): manifest is HttpManifest => manifest.trigger.kind === 'http';
export const isBinary = (output: HttpManifest['output']): output is BinaryOutput => 'binary' in output;
