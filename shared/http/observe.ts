import type { OutgoingResponse } from '../function/message.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { HttpMiddleware } from './exchange.ts';

/**
 * Observability middleware: writes one log line and the request metrics for each response. The logged path is the route's path,
 * because the real path may contain a person's name.
 */
export function observe(metrics: Metrics): HttpMiddleware {
  const startedAt = new WeakMap<object, number>();
  const finish: HttpMiddleware['after'] = function observeAfter({ event, response }) {
    const milliseconds = performance.now() - (startedAt.get(event) ?? 0);
    const { status } = response!;
    metrics.requests.inc({ function: event.manifest.name, method: event.request.method, status });
    const labels = { function: event.manifest.name };
    metrics.requestSeconds.observe(labels, milliseconds / 1000);
    metrics.requestBytes.observe(labels, Number(event.request.headers['content-length'] ?? 0) || 0);
    const size = sizeOf(response!.body);
    if (size !== undefined) metrics.responseBytes.observe(labels, size);
    event.log.info(
      {
        method: event.request.method,
        path: event.manifest.trigger.path,
        status,
        ms: Math.round(milliseconds * 10) / 10,
      },
      'answered',
    );
  };
  return {
    before: function observeBefore({ event }) {
      startedAt.set(event, performance.now());
    },
    after: finish,
    onError: finish as NonNullable<HttpMiddleware['onError']>,
  };
}

/** Size in bytes; undefined for a stream, whose size is unknown before it is sent. */
function sizeOf(body: OutgoingResponse['body']): number | undefined {
  if (body === null) return 0;
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.length : undefined;
}
