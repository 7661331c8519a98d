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
  /** A segment in braces is a path parameter: `/api/v1/faces/{face_id}`. */
  readonly path: `/${string}`;
  /** More paths of the same function. The OpenAPI document does not list them. */
  readonly aliases?: readonly `/${string}`[];
  /** Permission that the caller needs. null: the function is open to callers without authentication. */
  readonly scope: RequiredScope | null;
}

export interface EventTrigger {
  readonly kind: 'event';
  /** One event type, or several event types of the same topic. */
  readonly type: EventType | readonly EventType[];
  /** null: the sender calls the function directly over HTTP and waits for the reply; no topic is used. */
  readonly topic: Topic | null;
  /** Default: `defaultDelivery` in shared/runtime/local.ts. */
  readonly delivery?: Delivery;
  /**
   * Ports without which the handler cannot do its work; each is one of `uses`. Default: none. While the circuit breaker of one is open,
   * the event is answered 503 at once and the handler does not run. See: [Note: An outage uses no attempts]
   */
  readonly needs?: readonly PortName[];
}

export interface CronTrigger {
  readonly kind: 'cron';
  /** Interval in minutes. */
  readonly everyMinutes: number;
  /** Interval in seconds for the local runtime only. A Kubernetes schedule cannot be shorter than one minute. */
  readonly localSeconds?: number;
  /** The local runtime runs the function once at the start, before it accepts requests. */
  readonly atStart?: boolean;
  /** The local runtime also runs the function a few seconds after the start, while it already serves requests. */
  readonly soonAfterStart?: boolean;
  /** The local runtime also runs the function after each request or event that may have written to the outbox. */
  readonly afterWrites?: boolean;
}

interface CommonManifest {
  /** Verb and noun, such as `get-person`. The function's folder has the same name. */
  readonly name: string;
  /** One line in the imperative, such as `Show a person`. */
  readonly summary: string;
  /** Ports that the handler receives. */
  readonly uses: readonly PortName[];
  /** Event types that the function publishes, or writes to the outbox. */
  readonly emits?: readonly EventType[];
  /** Kubernetes resource requests, such as `100m` and `128Mi`. */
  readonly resources: { readonly cpu: string; readonly memory: string };
  /** Minimum and maximum number of instances. */
  readonly scale: { readonly min: number; readonly max: number };
  /** Number of calls that one instance handles at the same time. */
  readonly concurrency: number;
  /** Time limit of one call. The HTTP pipeline aborts the call's `signal` then; Knative ends the request a few seconds later. */
  readonly timeoutSeconds: number;
  /** Settings of the autoscaler in a cluster. */
  readonly scaling?: Scaling;
}

/** Further settings of a function's Knative service. */
export interface Scaling {
  /** Kubernetes memory limit, such as `256Mi`. */
  readonly memoryLimit: string;
  /** The last instance stays for this many seconds after the autoscaler decides to stop it. */
  readonly keepSeconds: number;
  /** Seconds over which the autoscaler averages the load. */
  readonly windowSeconds: number;
  /** Target load of an instance, in per cent of `concurrency`. Above it, the autoscaler starts another instance. */
  readonly utilization: number;
  /** The reason for each number. The generated YAML has it as a comment above the number. */
  readonly why: Readonly<Record<'resources' | 'concurrency' | 'scale' | 'keep' | 'window', string>>;
}

/** Declares a response that is not JSON. */
export interface BinaryOutput {
  /** Content types. */
  readonly binary: readonly string[];
  /** Whether the response may be a redirect (302) to the bytes. */
  readonly redirects?: boolean;
}

export interface HttpManifest extends CommonManifest {
  readonly trigger: HttpTrigger;
  /** Longer text for the API page. */
  readonly description?: string;
  /** Group of the function on the API page. */
  readonly tag?: string;
  /** Schema of the path parameters. */
  readonly params?: z.ZodObject;
  /** Schema of the query string. */
  readonly query?: z.ZodObject;
  /** Schema of the JSON body. If the request carries an image: of the form's fields, or of the query of a raw image. */
  readonly body?: z.ZodObject;
  /** Maximum size of a JSON body in bytes, for a function without an image. Default: `fieldBytes` in shared/http/body.ts. */
  readonly maxBodyBytes?: number;
  /** The request carries an image: base64 in `image_data`, a file part `image`, or the raw body. */
  readonly image?: 'required' | 'optional';
  /** A second image is possible: base64 in `other_image_data`, or a file part `other_image`. Needs `image`. */
  readonly otherImage?: 'optional';
  /** Schema of the response's `data`, or the content types of a binary response. */
  readonly output: z.ZodType | BinaryOutput;
  /** The response contains a secret that is shown only once. It is not stored, so a repeated Idempotency-Key gets an error. */
  readonly secret?: true;
  /** An additional rate limit. `login` is strict: for functions that check a password or a secret of an unauthenticated caller. */
  readonly rateLimit?: 'login';
  /** HTTP status of a successful response. Default 200. */
  readonly status?: 200 | 201 | 202;
  /** Error codes in addition to those of every function (see `commonErrors` in the OpenAPI generator). */
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

/** The part of a call that does not depend on the trigger. */
export interface CallContext {
  /** Tenant whose data the call reads and writes. */
  readonly tenant: Tenant;
  /** The authenticated caller. null for an open function, an event or a schedule. */
  readonly principal: Principal | null;
  readonly requestId: string;
  /** W3C trace context of this call. Send it with every outgoing request and event. */
  readonly traceparent: string;
  /** Aborts when the caller disconnects or the time limit is reached. Pass it to every port call. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
  /** Metrics of this process. */
  readonly metrics: Metrics;
  /** The part of the configuration that a handler may read. */
  readonly config: Pick<Config, 'webhookAllow' | 'maxImageBytes' | 'criticalLane'>;
  /** Returns a new UUIDv7. */
  readonly newId: () => string;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<never, never>;
type GivenImage<M> = M extends { image: 'required' }
  ? Uint8Array
  : M extends { image: 'optional' }
    ? Uint8Array | undefined
    : undefined;

/** A call of an HTTP handler, with the parsed and checked input. */
export interface HttpCall<M extends HttpManifest> extends CallContext {
  readonly params: Parsed<M['params']>;
  readonly query: Parsed<M['query']>;
  readonly body: Parsed<M['body']>;
  readonly image: GivenImage<M>;
  readonly otherImage: M extends { otherImage: 'optional' } ? Uint8Array | undefined : undefined;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly path: string;
}

/** A call of an event handler. */
export interface EventCall extends CallContext {
  readonly event: Event;
  /** The raw body when the event carries bytes. */
  readonly bytes: Uint8Array | undefined;
}

/** Additions to the audit log entry. The entry also contains the ids of the response's data. */
export interface AuditNote {
  /** Object with id fields such as `person_id`, for a response whose data lacks these ids, for example image bytes. */
  readonly about?: unknown;
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Result of an HTTP handler. The pipeline sends it in the success envelope. */
export interface Reply<Data> {
  readonly data: Data;
  /** For people. */
  readonly message?: string;
  /** Default: the manifest's `status`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly audit?: AuditNote;
}

/** Result of an HTTP handler whose output is binary. */
export interface BinaryReply {
  /** The body; null for none. Use an iterable for content that is too large for the memory. */
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly contentType?: string;
  /** Default: 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly audit?: AuditNote;
}

type ReplyOf<M extends HttpManifest> = M['output'] extends z.ZodType ? Reply<z.input<M['output']>> : BinaryReply;

/** The ports that the manifest declares. A handler that uses another port does not compile. */
export type UsedPorts<M extends Manifest> = Pick<Ports, M['uses'][number]>;

/**
 * The function's code. An HTTP handler returns a reply. An event handler returns a reply event, or undefined. A cron handler returns
 * numbers, such as `{ removed: 3 }`, for the log and the metrics.
 */
export type Handler<M extends Manifest> = M extends HttpManifest
  ? (call: HttpCall<M>, ports: UsedPorts<M>) => Promise<ReplyOf<M>>
  : M extends EventManifest
    ? (call: EventCall, ports: UsedPorts<M>) => Promise<Event | undefined>
    : (call: CallContext, ports: UsedPorts<M>) => Promise<Readonly<Record<string, unknown>>>;

/** Only a declared port can be needed: any other in `needs` does not compile. */
type NeedsWithinUses<M extends Manifest> = M extends EventManifest
  ? { readonly trigger: { readonly needs?: readonly M['uses'][number][] } }
  : unknown;

/** A manifest with its handler, without their exact types. */
export interface FunctionDefinition {
  readonly manifest: Manifest;
  readonly handler: (call: never, ports: never) => Promise<unknown>;
}

/**
 * Declares a function. The manifest is the single source of truth: the function's route, API page, Knative service and bundle are
 * generated from it, and the handler receives only the ports that it names.
 *
 * @example
 * // functions/get-person-name/index.ts
 * import * as z from 'zod';
 * import { AppError } from '../../shared/errors.ts';
 * import { defineFunction } from '../../shared/function/define.ts';
 * import { sizes } from '../../shared/function/sizes.ts';
 *
 * export default defineFunction(
 *   {
 *     name: 'get-person-name',
 *     summary: 'Show the name of a person',
 *     trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/{person_id}/name', scope: 'persons:read' },
 *     params: z.object({ person_id: z.uuid() }),
 *     output: z.object({ name: z.string().nullable() }),
 *     errors: ['PERSON_NOT_FOUND'],
 *     uses: ['records'],
 *     ...sizes.record,
 *   },
 *   async ({ params, tenant, signal }, { records }) => {
 *     const [person] = await records.getPersons(tenant, [params.person_id], { signal });
 *     if (person === undefined) throw new AppError('PERSON_NOT_FOUND');
 *     return { data: { name: person.name } };
 *   },
 * );
 */
export function defineFunction<const M extends Manifest>(
  manifest: M & NeedsWithinUses<M>,
  handler: Handler<M>,
): { manifest: M; handler: Handler<M> } {
  return { manifest, handler };
}

/**
 * All ports that a function needs: the ports of its handler and the ports of the pipeline. The pipeline uses `accounts` for
 * authentication, `cache` for rate limits and for the shared metrics, and `audit` for the audit log. An open HTTP function without a
 * rate limit gets only the ports of its handler; when it runs alone, its metrics stay in its own process.
 */
export function portsOf(manifest: Manifest): readonly PortName[] {
  const { uses } = manifest;
  if (!isHttp(manifest)) return [...new Set<PortName>([...uses, 'cache'])];
  if (manifest.trigger.scope !== null) return [...new Set<PortName>([...uses, 'accounts', 'cache', 'audit'])];
  return manifest.rateLimit === undefined ? uses : [...new Set<PortName>([...uses, 'accounts', 'cache', 'audit'])];
}

/** Whether a function writes events to the outbox together with its rows. See: [Note: Publishing from the outbox] */
export const writesEvents = ({ uses, emits = [] }: Manifest): boolean =>
  emits.length > 0 && uses.includes('records') && !uses.includes('events');

/** Whether a call may change stored data, and so supports an Idempotency-Key. GET, open functions and `…:read` scopes do not. */
export const changesState = ({ trigger: { method, scope } }: HttpManifest): boolean =>
  method !== 'GET' && scope !== null && !scope.endsWith(':read');

export const isHttp = (manifest: Manifest): manifest is HttpManifest => manifest.trigger.kind === 'http';
export const isBinary = (output: HttpManifest['output']): output is BinaryOutput => 'binary' in output;
