import type { RuntimeContext } from '../function/context.ts';
import type { CallContext } from '../function/define.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { childOf, traceIdOf } from '../telemetry/trace-context.ts';

/** Creates the context of a call that an event or a schedule starts. `parent`: the event's `traceparent`, if it has one. */
export function newCall(
  manifest: { name: string },
  context: RuntimeContext,
  signal: AbortSignal,
  parent: unknown,
): CallContext {
  const requestId = context.newId();
  const traceparent = childOf(typeof parent === 'string' ? parent : undefined);
  return {
    tenant: defaultTenant,
    principal: null,
    requestId,
    traceparent,
    signal,
    clock: context.clock,
    metrics: context.metrics,
    config: context.config,
    newId: context.newId,
    log: context.log.child({ function: manifest.name, request_id: requestId, trace_id: traceIdOf(traceparent) }),
  };
}
