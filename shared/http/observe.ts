import type { Metrics } from '../runtime/metrics.ts';
import type { HttpMiddleware } from './exchange.ts';

/** One log line and the request metrics for every answer. The path is the route's: a real one may hold somebody's name. */
export function observe(metrics: Metrics): HttpMiddleware {
  const begun = new WeakMap<object, number>();
  const finish: HttpMiddleware['after'] = function observeAfter({ event, response }) {
    const milliseconds = performance.now() - (begun.get(event) ?? 0);
    const { status } = response!;
    metrics.requests.inc({ function: event.manifest.name, method: event.request.method, status });
    metrics.requestSeconds.observe({ function: event.manifest.name }, milliseconds / 1000);
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
      begun.set(event, performance.now());
    },
    after: finish,
    onError: finish as NonNullable<HttpMiddleware['onError']>,
  };
}
