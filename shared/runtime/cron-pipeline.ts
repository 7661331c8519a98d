import type { RuntimeContext } from '../function/context.ts';
import type { CallContext, CronManifest, FunctionDefinition } from '../function/define.ts';
import { newCall } from './new-call.ts';

/** Runs a cron function once and logs its result. Never throws; resolves to whether the run succeeded. */
export function cronPipeline(
  definition: FunctionDefinition,
  ports: object,
  context: RuntimeContext,
): (signal: AbortSignal) => Promise<boolean> {
  const manifest = definition.manifest as CronManifest;
  const handle = definition.handler as unknown as (
    call: CallContext,
    ports: object,
  ) => Promise<Record<string, unknown>>;
  return async (signal) => {
    const call = newCall(manifest, context, signal, undefined);
    const { metrics } = context;
    const labels = { function: manifest.name };
    const begun = performance.now();
    try {
      const summary = await handle(call, ports);
      metrics.cronRuns.inc({ ...labels, outcome: 'done' });
      metrics.cronSeconds.observe(labels, (performance.now() - begun) / 1000);
      metrics.cronSucceeded.set(labels, context.clock.now() / 1000);
      for (const [what, value] of Object.entries(summary)) {
        if (typeof value === 'number' && value > 0) metrics.cronDone.inc({ ...labels, what }, value);
      }
      call.log[Object.values(summary).some((value) => value !== 0) ? 'info' : 'debug'](summary, 'ran');
      return true;
    } catch (error) {
      metrics.cronRuns.inc({ ...labels, outcome: signal.aborted ? 'cut short' : 'failed' });
      // A run that the end of the process aborts is not a failure: the next run does the work.
      if (signal.aborted) call.log.info('run aborted');
      else call.log.error({ err: error }, 'run failed');
      return false;
    }
  };
}
