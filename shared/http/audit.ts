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

/** Which calls of a function are written down. */
export type Extent = 'all' | 'refusals' | 'nothing';

/**
 * Decided from the manifest alone, so that no function can forget it: whatever touches persons, faces, images, users, keys or
 * tenants, reads the log itself, or takes a password; of everything else that asks who calls, those who were refused.
 */
export function auditedExtent({ rateLimit, trigger: { scope, method } }: HttpManifest): Extent {
  if (scope === null) return rateLimit === 'login' ? 'all' : 'nothing';
  return scope === 'metrics:read' || (scope === 'signed-in' && method === 'GET') ? 'refusals' : 'all';
}

/**
 * Writes down who did what to whom, before the answer goes out. Stands outside of the error envelope, so that it sees what is
 * answered.
 *
 * [Note: An unaudited look is not given]
 * When the entry cannot be written the answer becomes 503 and says nothing of what was found or done. A change has then been made
 * all the same; a repeat with its Idempotency-Key gets the first outcome, once the log can be written.
 *
 * [Note: A crash between the change and its entry]
 * The change comes first, then its entry, then the answer. A process that dies in between leaves a change that nobody was told of
 * and that the log does not know; its event is in the outbox, with the request's trace but without who asked. The other order
 * would record what never happened and cost every change a second forced write. For erasures the price is worth it, since what is
 * erased cannot be looked at afterwards: a first entry with status 102 says what is about to be done and by whom (`auditIntent`).
 */
export function audit(manifest: HttpManifest, ports: AuditPorts): HttpMiddleware {
  const extent = auditedExtent(manifest);
  if (extent === 'nothing') return passOn;
  const log = logOf(manifest, ports);
  const gate = createFloodGate(ports.cache);
  const settle = (event: HttpExchange, response: OutgoingResponse, error: unknown) =>
    extent === 'refusals' && response.status !== 401 && response.status !== 403
      ? Promise.resolve(response)
      : answerOnceWritten({ event, response, error }, { log, gate, ports });
  return {
    after: async function auditAfter(request) {
      request.response = await settle(request.event, request.response!, null);
    },
    onError: async function auditOnError(request) {
      request.response = await settle(request.event, request.response!, request.error);
    },
  };
}

/** Writes down that somebody is about to be erased, when the request is known to be in order. See: [Note: A crash between the change and its entry] */
export function auditIntent(manifest: HttpManifest, ports: AuditPorts): HttpMiddleware {
  const { method, path, scope } = manifest.trigger;
  if (method !== 'DELETE' || scope === null || !/\{(person|face)_id\}/.test(path)) return passOn;
  const log = logOf(manifest, ports);
  return {
    before: async function auditIntentBefore({ event }) {
      const entry = { ...entryOf(event, null), status: 102, code: null };
      await log.append(event.tenant, entry, { durable: true, signal: event.signal });
    },
  };
}

/** middy takes no middleware without a step. */
const passOn: HttpMiddleware = { before: () => undefined };

function logOf({ name }: HttpManifest, ports: AuditPorts): Audit {
  // What has to be written down and cannot be must not be done.
  if (ports.audit === undefined) throw new Error(`${name} has to be audited and has no audit log`);
  return ports.audit;
}

interface Outcome {
  readonly event: HttpExchange;
  readonly response: OutgoingResponse;
  /** What was thrown; null when the call succeeded. */
  readonly error: unknown;
}

interface Writer {
  readonly log: Audit;
  readonly gate: FloodGate;
  readonly ports: AuditPorts;
}

async function answerOnceWritten(outcome: Outcome, { log, gate, ports }: Writer): Promise<OutgoingResponse> {
  const { event, response } = outcome;
  try {
    const refusals = await gate(event, response.status);
    if (refusals === 'left out') return response;
    const { tenant, entry } = await describe(outcome, ports);
    const counted = refusals === null ? entry : withDetails(entry, { refusals_this_minute: refusals });
    await log.append(tenant, counted, { durable: mayHaveChanged(event.manifest, response.status) });
    return response;
  } catch (error) {
    event.log.error({ err: error }, 'the audit log could not be written');
    return errorResponse(new AppError('STORE_UNAVAILABLE'), event.requestId);
  }
}

/** A refusal has changed nothing; a failure, or a caller who left, may have. */
const mayHaveChanged = (manifest: HttpManifest, status: number): boolean =>
  (changesState(manifest) || manifest.rateLimit === 'login') && (status < 400 || status >= 499);

async function describe(
  { event, response, error }: Outcome,
  ports: AuditPorts,
): Promise<{ tenant: Tenant; entry: NewAuditEntry }> {
  const entry = {
    ...entryOf(event, error === null ? bodyOf(event, response) : null),
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

/** What is known before the answer, and with it. */
function entryOf(event: HttpExchange, data: unknown): NewAuditEntry {
  const { principal, manifest, requestId, address, answered } = event;
  // The log speaks of everybody; who reads it looks at whom they ask for.
  const spokenOf = manifest.trigger.scope === 'audit:read' ? null : [data, answered?.audit?.about];
  return {
    action: manifest.name,
    actor: principal === null ? null : `${principal.kind}:${principal.id}`,
    actorName: principal?.name ?? null,
    subjects: subjectsOf(event, spokenOf),
    status: 0,
    code: null,
    address,
    requestId,
    details: { ...otherIdsOf(event, data), ...answered?.audit?.details },
  };
}

/** What was answered: the handler's own data, or, where an earlier answer is given once more, that. */
function bodyOf({ answered }: HttpExchange, { body, headers }: OutgoingResponse): unknown {
  if (answered !== null) return answered.data;
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return isJson && typeof body === 'string' ? (JSON.parse(body) as { data?: unknown }).data : null;
}

const withDetails = (entry: NewAuditEntry, more: NewAuditEntry['details']): NewAuditEntry => ({
  ...entry,
  details: { ...entry.details, ...more },
});
