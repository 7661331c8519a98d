import { randomBytes } from 'node:crypto';
import type { HttpMiddleware } from './exchange.ts';

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Continues the caller's W3C trace, or begins one; events that the request causes carry it on. */
export function traceContext(): HttpMiddleware {
  return {
    before: function traceContextBefore({ event }) {
      event.traceparent = childOf(event.request.headers.traceparent);
      event.log = event.log.child({ trace_id: event.traceparent.slice(3, 35) });
      event.answerHeaders.traceparent = event.traceparent;
    },
  };
}

/** A new span in the trace of `parent`, or in a new trace when it is absent or not a valid `traceparent`. */
export function childOf(parent: string | undefined): string {
  const [, trace = randomBytes(16).toString('hex'), , flags = '01'] = form.exec(parent ?? '') ?? [];
  return `00-${trace}-${randomBytes(8).toString('hex')}-${flags}`;
}
