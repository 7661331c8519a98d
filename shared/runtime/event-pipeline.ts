import { waitedOutMs } from '../domain/tuning.ts';
import { toAppError } from '../errors.ts';
import { breakersOf } from '../function/breaker.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { EventCall, EventManifest, FunctionDefinition } from '../function/define.ts';
import { isBlameless, requireClosedBreakers, wasNotTried } from '../function/guarded-ports.ts';
import type { Event, EventAnswer } from '../ports/events.ts';
import { asTenant, defaultTenant, type Tenant } from '../ports/tenant.ts';
import { newCall } from './new-call.ts';

export interface EventOutcome extends EventAnswer {
  /** Reply of a function that is called as request and reply. */
  readonly reply?: Event | undefined;
}

export type EventFunction = (event: Event, bytes: Uint8Array | undefined, signal: AbortSignal) => Promise<EventOutcome>;

/** Calls the handler with an event; never throws. Status 204 or 200: done; 503: deliver again; 422: dead letter. */
export function eventPipeline(definition: FunctionDefinition, ports: object, context: RuntimeContext): EventFunction {
  const manifest = definition.manifest as EventManifest;
  const handle = definition.handler as unknown as (call: EventCall, ports: object) => Promise<Event | undefined>;
  const { needs = [] } = manifest.trigger;
  const types: readonly string[] = [manifest.trigger.type].flat();
  const attempt = async (call: EventCall): Promise<Event | undefined> => {
    requireClosedBreakers(needs, breakersOf(context));
    return await handle(call, ports);
  };
  return async (event, bytes, signal) => {
    const call = { ...newCall(manifest, context, signal, event.traceparent), tenant: tenantOf(event), event, bytes };
    const begun = performance.now();
    const outcome = await attempt(call).then<EventOutcome, EventOutcome>(
      (reply) => (reply === undefined ? { status: 204 } : { status: 200, reply }),
      (error: unknown) => failedOutcome(error, call),
    );
    const { metrics } = context;
    const labels = { function: manifest.name };
    metrics.events.inc({
      ...labels,
      type: types.find((type) => type === event.type) ?? types[0]!,
      status: outcome.status,
    });
    metrics.eventSeconds.observe(labels, (performance.now() - begun) / 1000);
    if (outcome.status === 503) metrics.eventsRetried.inc(labels);
    if (outcome.status === 422) metrics.eventsPoisoned.inc(labels);
    call.log.info({ event_id: event.id, event_type: event.type, status: outcome.status }, 'event answered');
    return outcome;
  };
}

const tenantOf = (event: Event): Tenant => (typeof event.tenant === 'string' ? asTenant(event.tenant) : defaultTenant);

function failedOutcome(thrown: unknown, { log, clock, event }: EventCall): EventOutcome {
  const error = toAppError(thrown);
  log.warn({ code: error.code, err: error.cause ?? error }, 'event failed');
  return {
    status: error.eventStatus,
    reason: error.code,
    retryAfter: error.retryAfter,
    ...(wasNotTried(error)
      ? { notTriedMs: 1000 * (error.retryAfter ?? 1) }
      : isBlameless(error) && clock.now() - Date.parse(event.time ?? '') < waitedOutMs
        ? { blameless: true }
        : {}),
  };
}
