import type { RuntimeContext } from '../function/context.ts';
import type { OutgoingResponse } from '../function/message.ts';
import type { Extractor } from '../ports/extractor.ts';

export type Readiness = 'starting' | 'ready' | 'stopping';

/** Responds to the probes and to `/metrics`, which a cluster requests from each function. undefined for any other path. */
export async function answerProbe(
  path: string,
  readiness: Readiness,
  context: RuntimeContext,
  extractor?: Pick<Extractor, 'ready'>,
): Promise<OutgoingResponse | undefined> {
  if (path === '/metrics') {
    const { registry } = context.metrics;
    return {
      status: 200,
      headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
      body: await registry.metrics(),
    };
  }
  return await answerHealth(path, readiness, extractor);
}

/**
 * Responds to `/health/liveness` and `/health/readiness`. undefined for any other path. A process whose extractor cannot load its
 * networks or its image library is not ready, and the response says so.
 */
export async function answerHealth(
  path: string,
  readiness: Readiness,
  extractor?: Pick<Extractor, 'ready'>,
): Promise<OutgoingResponse | undefined> {
  if (path === '/health/liveness') return text(200, 'alive');
  if (path !== '/health/readiness') return undefined;
  if (readiness !== 'ready' || extractor === undefined) return text(readiness === 'ready' ? 200 : 503, readiness);
  return await extractor.ready().then(
    () => text(200, 'ready'),
    () => text(503, 'photos cannot be processed'),
  );
}

const text = (status: number, body: string): OutgoingResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body,
});
