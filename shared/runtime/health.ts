import type { RuntimeContext } from '../function/context.ts';
import type { OutgoingResponse } from '../function/message.ts';

export type Readiness = 'starting' | 'ready' | 'stopping';

/** Responds to the probes and to `/metrics`, which a cluster requests from each function. undefined for any other path. */
export async function answerProbe(
  path: string,
  readiness: Readiness,
  context: RuntimeContext,
): Promise<OutgoingResponse | undefined> {
  if (path === '/metrics') {
    const { registry } = context.metrics;
    return {
      status: 200,
      headers: { 'content-type': registry.contentType, 'cache-control': 'no-store' },
      body: await registry.metrics(),
    };
  }
  return answerHealth(path, readiness);
}

/** Responds to `/health/liveness` and `/health/readiness`. undefined for any other path. */
export function answerHealth(path: string, readiness: Readiness): OutgoingResponse | undefined {
  if (path === '/health/liveness') return text(200, 'alive');
  if (path === '/health/readiness') return text(readiness === 'ready' ? 200 : 503, readiness);
  return undefined;
}

const text = (status: number, body: string): OutgoingResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body,
});
