import { CloudEvent, HTTP } from 'cloudevents';
import { cronPipeline, type EventFunction, eventPipeline } from '../events/pipeline.ts';
import type { IncomingRequest, OutgoingResponse } from '../http/exchange.ts';
import type { Event } from '../ports/events.ts';
import type { Ports } from '../ports/index.ts';
import type { RuntimeContext } from './context.ts';
import type { FunctionDefinition } from './define.ts';
import { answerProbe, type Readiness } from './health.ts';
import { type Answer, listen } from './http-server.ts';
import { type Openers, openPorts, pickPorts } from './ports.ts';
import { routeRequests } from './routes.ts';

export interface RunningFunction {
  readonly port: number;
  /** Resolves when the function is ready, rejects when it never will be. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs one function on its own: its route (or `/` for events and schedules), the probes and the metrics. It listens at once
 * and is ready when its ports are open; until then it answers 503.
 */
export async function serve(
  definition: FunctionDefinition,
  openers: Openers,
  context: RuntimeContext,
): Promise<RunningFunction> {
  let readiness: Readiness = 'starting';
  let answer: Answer = async () => ({ status: 503, headers: { 'retry-after': '1' }, body: null });
  const server = await listen(
    async (request) => (await answerProbe(request.path, readiness, context)) ?? answer(request),
    context,
  );
  const opening = openPorts(definition.manifest.uses, openers, context);
  const ready = opening.then(async ({ ports }) => {
    await ports.extractor?.ready();
    answer = answerFor(definition, ports, context);
    if (readiness === 'starting') readiness = 'ready';
  });
  return {
    port: server.port,
    ready,
    async close() {
      readiness = 'stopping';
      await server.close(context.config.shutdownSeconds * 1000);
      await opening.then(
        (opened) => opened.close(),
        () => {},
      );
    },
  };
}

function answerFor(definition: FunctionDefinition, ports: Partial<Ports>, context: RuntimeContext): Answer {
  const used = pickPorts(ports, definition.manifest.uses);
  if (definition.manifest.trigger.kind === 'http') return routeRequests([definition], ports, context);
  if (definition.manifest.trigger.kind === 'event') {
    const handle = eventPipeline(definition, used, context);
    return (request) => answerEvent(request, handle);
  }
  const run = cronPipeline(definition, used, context);
  return async ({ gone }) => empty((await run(gone)) ? 204 : 503);
}

/** Events are small; an image to extract from is the exception. */
const maxEventBytes = 64 * 1024 * 1024;

async function answerEvent(request: IncomingRequest, handle: EventFunction): Promise<OutgoingResponse> {
  if (request.method !== 'POST' || request.path !== '/') return empty(422);
  const bytes = await request.body(maxEventBytes).catch(() => undefined);
  const parsed = bytes === undefined ? undefined : parseEvent(request.headers, bytes);
  if (parsed === undefined) return empty(422);
  const { status, reply } = await handle(
    parsed,
    parsed.data instanceof Uint8Array ? parsed.data : undefined,
    request.gone,
  );
  if (reply === undefined) return empty(status);
  const message = HTTP.binary(new CloudEvent(reply));
  return { status, headers: message.headers as Record<string, string>, body: message.body as string };
}

/** An event in binary or structured mode; undefined when it is neither. Bytes of an image stay bytes. */
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

/** Never text: a broker takes it for a malformed reply and delivers again. */
const empty = (status: number): OutgoingResponse => ({ status, headers: {}, body: null });
