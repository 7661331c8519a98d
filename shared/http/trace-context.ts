import { childOf, traceIdOf } from '../telemetry/trace-context.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Trace middleware: continues the caller's W3C trace or starts a new one. Events that the request causes belong to the same trace. */
export function traceContext(): HttpMiddleware {
  return {
    before: function traceContextBefore({ event }) {
      event.traceparent = childOf(event.request.headers.traceparent);
      event.log = event.log.child({ trace_id: traceIdOf(event.traceparent) });
      event.responseHeaders.traceparent = event.traceparent;
    },
  };
}
