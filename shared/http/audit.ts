import { AppError, toAppError } from '../errors.ts';
import { changesState, type HttpManifest } from '../function/define.ts';
import type { OutgoingResponse } from '../function/message.ts';
import type { Audit, NewAuditEntry } from '../ports/audit.ts';
import type { Ports } from '../ports/index.ts';
import type { Tenant } from '../ports/tenant.ts';
import { createFloodGate, type FloodGate } from './audit-flood.ts';
import { describeLogin } from './audit-login.ts';
import { otherIdsOf, subjectsOf } from './audit-subjects.ts';
import { errorResponse } from './errors.ts';
import type { HttpExchange, HttpMiddleware } from './exchange.ts';

type AuditPorts = Pick<Partial<Ports>, 'audit' | 'accounts' | 'cache'>;

/** Which requests to a function go to the audit log. */
export type Extent = 'all' | 'refusals' | 'nothing';

/**
 * Decides from the manifest alone, so that no function can forget its audit.
 * - `all`: functions that touch persons, faces, images, users, keys or tenants, read the log itself, or take a password.
 * - `refusals`: other functions that require a known caller; only 401 and 403 are written.
 * - `nothing`: functions that every caller may call.
 */
export function auditedExtent({ rateLimit, trigger: { scope, method } }: HttpManifest): Extent {
  if (scope === null) return rateLimit === 'login' ? 'all' : 'nothing';
  return scope === 'metrics:read' || (scope === 'signed-in' && method === 'GET') ? 'refusals' : 'all';
}

/**
 * Audit middleware: writes an entry with the caller, the action and the ids before the response is sent. It runs outside the error
 * envelope, so that it sees the final response.
 *
 * [Note: No response without its audit entry]
 * If the entry cannot be written, the response becomes 503 and contains no result. A change that the handler made stays. A repeat
 * with its Idempotency-Key receives the first result once the log can be written again.
 *
 * [Note: A crash between the change and its entry]
 * The order is: the change, its entry, the response. A process that dies in between leaves a change without a response and without
 * an entry. The event of the change is in the outbox, with the request's trace but without the caller. The other order would record
 * changes that never happened and cost every change a second forced write. An erasure is worth this price, because erased data cannot
 * be examined afterwards: a first entry with status 102 names the planned erasure and its caller (`auditIntent`).
 *
 * @example
 * const pipeline = middy(handler).use(audit(manifest, ports)).use(errors(metrics));
 */
export function audit(manifest: HttpManifest, ports: AuditPorts): HttpMiddleware {
  const extent = auditedExtent(manifest);
  if (extent === 'nothing') return noStep;
  const log = logOf(manifest, ports);
  const gate = createFloodGate(ports.cache);
  const settle = (event: HttpExchange, response: OutgoingResponse, error: unknown) =>
    extent === 'refusals' && response.status !== 401 && response.status !== 403
      ? Promise.resolve(response)
      : respondOnceWritten({ event, response, error }, { log, gate, ports });
  return {
    after: async function auditAfter(request) {
      request.response = await settle(request.event, request.response!, null);
    },
    onError: async function auditOnError(request) {
      request.response = await settle(request.event, request.response!, request.error);
    },
  };
}

/**
 * Audit middleware for erasures: writes a first entry before a person or a face is erased, once the request is valid.
 * See: [Note: A crash between the change and its entry]
 */
export function auditIntent(manifest: HttpManifest, ports: AuditPorts): HttpMiddleware {
  const { method, path, scope } = manifest.trigger;
  if (method !== 'DELETE' || scope === null || !/\{(person|face)_id\}/.test(path)) return noStep;
  const log = logOf(manifest, ports);
  return {
    before: async function auditIntentBefore({ event }) {
      const entry = { ...entryOf(event, null), status: 102, code: null };
      await log.append(event.tenant, entry, { durable: true, signal: event.signal });
    },
  };
}

/** middy requires at least one step in a middleware. */
const noStep: HttpMiddleware = { before: () => undefined };

function logOf({ name }: HttpManifest, ports: AuditPorts): Audit {
  // Never run an audited function without an audit log.
  if (ports.audit === undefined) throw new Error(`${name} is an audited function, so it needs the port audit`);
  return ports.audit;
}

interface Outcome {
  readonly event: HttpExchange;
  readonly response: OutgoingResponse;
  /** The thrown value; null when the request succeeded. */
  readonly error: unknown;
}

interface Writer {
  readonly log: Audit;
  readonly gate: FloodGate;
  readonly ports: AuditPorts;
}

async function respondOnceWritten(outcome: Outcome, { log, gate, ports }: Writer): Promise<OutgoingResponse> {
  const { event, response } = outcome;
  try {
    const refusals = await gate(event, response.status);
    if (refusals === 'skip') return response;
    const { tenant, entry } = await describe(outcome, ports);
    const counted = refusals === null ? entry : withDetails(entry, { refusals_this_minute: refusals });
    await log.append(tenant, counted, { durable: mayHaveChanged(event.manifest, response.status) });
    return response;
  } catch (error) {
    event.log.error({ err: error }, 'cannot write the audit entry; the response becomes 503');
    return errorResponse(new AppError('STORE_UNAVAILABLE'), event.requestId);
  }
}

/** A refusal (4xx) changes nothing. A success, a failure (5xx) or a disconnected caller (499) may leave a change. */
const mayHaveChanged = (manifest: HttpManifest, status: number): boolean =>
  (changesState(manifest) || manifest.rateLimit === 'login') && (status < 400 || status >= 499);

async function describe(
  { event, response, error }: Outcome,
  ports: AuditPorts,
): Promise<{ tenant: Tenant; entry: NewAuditEntry }> {
  const entry = {
    ...entryOf(event, error === null ? dataOf(event, response) : null),
    status: response.status,
    code: error === null ? null : response.status === 499 ? 'CALLER_LEFT' : toAppError(error).code,
  };
  if (event.principal !== null || event.manifest.rateLimit !== 'login') return { tenant: event.tenant, entry };
  const login = await describeLogin(event, ports);
  return {
    tenant: login.tenant,
    entry: { ...withDetails(entry, login.details), actor: login.actor, actorName: login.actorName },
  };
}

/** The entry without its status and code. `data`: the response data; null before the response. */
function entryOf(event: HttpExchange, data: unknown): NewAuditEntry {
  const { principal, manifest, requestId, address, reply } = event;
  // A page of the audit log names many persons; its reader looks at those that the request asks for.
  const replies = manifest.trigger.scope === 'audit:read' ? null : [data, reply?.audit?.about];
  return {
    action: manifest.name,
    actor: principal === null ? null : `${principal.kind}:${principal.id}`,
    actorName: principal?.name ?? null,
    subjects: subjectsOf(event, replies),
    status: 0,
    code: null,
    address,
    requestId,
    details: { ...otherIdsOf(event, data), ...reply?.audit?.details },
  };
}

/** Response data: the handler's own, or that of a stored response which is sent again. */
function dataOf({ reply }: HttpExchange, { body, headers }: OutgoingResponse): unknown {
  if (reply !== null) return reply.data;
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return isJson && typeof body === 'string' ? (JSON.parse(body) as { data?: unknown }).data : null;
}

const withDetails = (entry: NewAuditEntry, more: NewAuditEntry['details']): NewAuditEntry => ({
  ...entry,
  details: { ...entry.details, ...more },
});
