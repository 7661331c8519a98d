import { childOf, traceIdOf } from '../telemetry/trace-context.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Continues the caller's W3C trace, or starts one. Events that the request causes carry the trace on. */
export function traceContext(): HttpMiddleware {
  return {
    before: function traceContextBefore({ event }) {
      event.traceparent = childOf(event.request.headers.traceparent);
      event.log = event.log.child({ trace_id: traceIdOf(event.traceparent) });
      event.answerHeaders.traceparent = event.traceparent;
    },
  };
}
