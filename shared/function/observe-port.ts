import { toAppError } from '../errors.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/**
 * Returns the same port with metrics: the number, the duration and the errors of its calls. A result that is not a promise (an iteration)
 * is returned unchanged and not counted. The metrics cost some microseconds a call.
 */
export function observePort<Name extends PortName>(name: Name, port: Ports[Name], metrics: Metrics): Ports[Name] {
  const observed = Object.fromEntries(
    Object.entries(port).map(([method, run]) => [
      method,
      typeof run === 'function' && method !== 'close' ? observedCall(name, method, run.bind(port), metrics) : run,
    ]),
  ) as unknown as Ports[Name];
  if (name === 'cache') return withLookups(observed as Ports['cache'], metrics) as Ports[Name];
  if (name === 'extractor') return withStages(observed as Ports['extractor'], metrics) as Ports[Name];
  return observed;
}

type Call = (...parameters: unknown[]) => unknown;

function observedCall(port: PortName, method: string, run: Call, metrics: Metrics): Call {
  const labels = { port, method };
  const underWay = { port };
  const settle = (begun: number) => {
    metrics.storeInFlight.dec(underWay);
    metrics.storeSeconds.observe(labels, (performance.now() - begun) / 1000);
  };
  return (...parameters) => {
    const begun = performance.now();
    const result = run(...parameters);
    if (!(result instanceof Promise)) return result;
    metrics.storeInFlight.inc(underWay);
    return result.then(
      (value) => {
        settle(begun);
        return value;
      },
      (error: unknown) => {
        settle(begun);
        metrics.storeErrors.inc({ ...labels, code: toAppError(error).code });
        throw error;
      },
    );
  };
}

function withLookups(cache: Ports['cache'], { cacheLookups }: Metrics): Ports['cache'] {
  return {
    ...cache,
    get: async (...parameters) => {
      const value = await cache.get(...parameters);
      const [, , options] = parameters;
      if (options?.kept === undefined) cacheLookups.inc({ result: value === null ? 'miss' : 'hit' });
      return value;
    },
  };
}

/** Measures the stages `decode` and `analyse`: the extractor calls `onDecoded` between them. */
function withStages(extractor: Ports['extractor'], metrics: Metrics): Ports['extractor'] {
  const inWork = async <T>(bytes: Uint8Array, work: () => Promise<T>): Promise<T> => {
    metrics.extractorBytes.observe(bytes.length);
    metrics.extractorWorking.inc();
    try {
      return await work();
    } catch (error) {
      if (toAppError(error).code === 'BUSY') metrics.extractorShed.inc();
      throw error;
    } finally {
      metrics.extractorWorking.dec();
    }
  };
  const stage = (name: 'decode' | 'analyse' | 'render', begun: number): number => {
    const now = performance.now();
    metrics.extractorSeconds.observe({ stage: name }, (now - begun) / 1000);
    return now;
  };
  return {
    ...extractor,
    extract: (bytes, options) =>
      inWork(bytes, async () => {
        let begun = performance.now();
        const extraction = await extractor.extract(bytes, {
          ...options,
          onDecoded: () => {
            begun = stage('decode', begun);
            options?.onDecoded?.();
          },
        });
        stage('analyse', begun);
        metrics.detected.inc(extraction.faces.length);
        return extraction;
      }),
    render: (bytes, options) =>
      inWork(bytes, async () => {
        const begun = performance.now();
        const picture = await extractor.render(bytes, options);
        stage('render', begun);
        return picture;
      }),
  };
}
