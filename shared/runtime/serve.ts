import type { RuntimeContext } from './context.ts';
import { type FunctionDefinition, portsOf } from './define.ts';
import type { Front } from './fronts.ts';
import { answerProbe, type Readiness } from './health.ts';
import { type Answer, listen } from './http-server.ts';
import { type Openers, openPorts } from './ports.ts';

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
  front: Front,
  openers: Openers,
  context: RuntimeContext,
): Promise<RunningFunction> {
  let readiness: Readiness = 'starting';
  let answer: Answer = async () => ({ status: 503, headers: { 'retry-after': '1' }, body: null });
  const server = await listen(
    async (request) => (await answerProbe(request.path, readiness, context)) ?? answer(request),
    context,
  );
  const opening = openPorts(portsOf(definition.manifest), openers, context);
  const ready = opening.then(async ({ ports }) => {
    await ports.extractor?.ready();
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
        (opened) => opened.close(),
        () => {},
      );
    },
  };
}
