import { randomBytes } from 'node:crypto';

/** Version 00 of W3C Trace Context's `traceparent`: trace id, parent span id and flags; an id of zeros is not valid. */
const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Starts a new span and returns its `traceparent`. The span belongs to the trace of `parent`, or to a new trace when `parent` is absent
 * or malformed.
 */
export function childOf(parent: string | undefined): string {
  const [, trace = randomBytes(16).toString('hex'), , flags = '01'] = form.exec(parent ?? '') ?? [];
  return `00-${trace}-${randomBytes(8).toString('hex')}-${flags}`;
}

/** The trace id of a valid `traceparent`: 32 hexadecimal digits. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
