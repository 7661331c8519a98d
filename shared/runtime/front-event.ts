import { CloudEvent, HTTP } from 'cloudevents';
import { AppError, toAppError } from '../errors.ts';
import { breakersOf } from '../function/breaker.ts';
import { guardedPorts } from '../function/guarded-ports.ts';
import type { IncomingRequest, OutgoingResponse } from '../function/message.ts';
import { pickPorts } from '../function/ports.ts';
import type { Event, EventAnswer } from '../ports/events.ts';
import { errorCodeHeader } from '../ports/extractor.ts';
import { empty } from './empty-answer.ts';
import { type EventFunction, eventPipeline } from './event-pipeline.ts';
import type { Front } from './fronts.ts';

/** CloudEvents over HTTP, in binary or structured mode. */
export const front: Front = (definition, ports, context) => {
  const ownPorts = pickPorts(ports, definition.manifest.uses);
  const handle = eventPipeline(definition, guardedPorts(ownPorts, breakersOf(context)), context);
  return (request) => answerEvent(request, handle);
};

/** Most events are small. An event with an image for the extractor is large. */
const maxEventBytes = 64 * 1024 * 1024;

async function answerEvent(request: IncomingRequest, handle: EventFunction): Promise<OutgoingResponse> {
  if (request.method !== 'POST' || request.path !== '/') return empty(422);
  const bytes = await request.body(maxEventBytes).catch(toAppError);
  if (bytes instanceof AppError)
    return bytes.code === 'BUSY' ? withoutReply({ status: 503, reason: 'BUSY' }) : empty(422);
  const parsed = parseEvent(request.headers, bytes);
  if (parsed === undefined) return empty(422);
  const outcome = await handle(parsed, parsed.data instanceof Uint8Array ? parsed.data : undefined, request.gone);
  const { status, reply } = outcome;
  if (reply === undefined) return withoutReply(outcome);
  const message = HTTP.binary(new CloudEvent(reply));
  return { status, headers: message.headers as Record<string, string>, body: message.body as string };
}

/**
 * A header contains the error code, for a sender that waits for a reply. BUSY becomes 429 with a retry time; Knative treats 429 and 503
 * alike. With 422, the body is the error code, because Knative stores the body with the dead letter.
 */
function withoutReply({ status, reason, retryAfter = 1 }: EventAnswer): OutgoingResponse {
  if (reason === undefined) return empty(status);
  const headers = { [errorCodeHeader]: reason };
  if (status === 422) return { status, headers: { ...headers, 'content-type': 'text/plain' }, body: reason };
  return reason === 'BUSY'
    ? { ...empty(429), headers: { ...headers, 'retry-after': String(retryAfter) } }
    : { ...empty(status), headers };
}

/** Parses an event in binary or structured mode; undefined if it is invalid. A body that is not text stays bytes. */
function parseEvent(headers: IncomingRequest['headers'], bytes: Uint8Array): Event | undefined {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = headers['content-type'] ?? '';
  const isText = type === '' || /json|text/.test(type);
  try {
    const event = HTTP.toEvent({ headers, body: isText ? body.toString('utf8') : '' });
    if (Array.isArray(event)) return undefined;
    return isText ? event : { ...event, data: body };
  } catch {
    return undefined;
  }
}
