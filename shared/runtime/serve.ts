import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import { type FunctionDefinition, isHttp, portsOf, writesEvents } from '../function/define.ts';
import type { OutgoingResponse } from '../function/message.ts';
import { type Openers, openPorts } from '../function/ports.ts';
import { errorResponse } from '../http/errors.ts';
import type { Ports } from '../ports/index.ts';
import type { Front } from './fronts.ts';
import { answerProbe, type Readiness } from './health.ts';
import { type Answer, listen } from './http-server.ts';
import { outboxBell } from './outbox-bell.ts';
import { shareCounts } from './shared-counts.ts';

export interface RunningFunction {
  readonly port: number;
  /** Resolves when the function is ready; rejects when its start failed. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs one function alone: its route (or `/` for events and schedules), the probes and the metrics. It listens at once and is ready when
 * its ports are open; until then it responds with 503.
 */
export async function serve(
  definition: FunctionDefinition,
  front: Front,
  openers: Openers,
  context: RuntimeContext,
): Promise<RunningFunction> {
  let readiness: Readiness = 'starting';
  let extractor: Ports['extractor'] | undefined;
  let answer: Answer = async () => notReady(definition, context);
  const { outboxUrl } = context.config;
  const afterWrite =
    outboxUrl === null || !writesEvents(definition.manifest) ? undefined : outboxBell(outboxUrl, context);
  const server = await listen(async (request) => {
    const probed = await answerProbe(request.path, readiness, context, extractor);
    if (probed !== undefined) return probed;
    const response = await answer(request);
    if (request.method !== 'GET' && request.method !== 'HEAD' && response.status < 400) afterWrite?.();
    return response;
  }, context);
  const opening = openPorts(portsOf(definition.manifest), openers, context);
  let stopSharing = async (): Promise<void> => undefined;
  const ready = opening.then(async ({ ports }) => {
    stopSharing = shareCounts(ports, context);
    await ports.extractor?.ready();
    extractor = ports.extractor;
    answer = front(definition, ports, context);
    if (readiness === 'starting') readiness = 'ready';
  });
  return {
    port: server.port,
    ready,
    async close() {
      readiness = 'stopping';
      await server.close(context.config.shutdownSeconds * 1000);
      await opening.then(
        async (opened) => {
          await stopSharing();
          await opened.close();
        },
        () => {},
      );
    },
  };
}

/** A broker needs only the status, so it gets no body. */
function notReady({ manifest }: FunctionDefinition, { newId }: RuntimeContext): OutgoingResponse {
  const requestId = newId();
  const { headers, ...answer } = errorResponse(new AppError('NOT_READY'), requestId);
  return isHttp(manifest)
    ? { ...answer, headers: { ...headers, 'x-request-id': requestId } }
    : { status: answer.status, headers: { 'retry-after': '1' }, body: null };
}
