import type { RuntimeContext } from '../function/context.ts';

/**
 * Stops `running` at the first SIGTERM or SIGINT, or when a parent that keeps a channel to this process is gone, and then lets
 * the process exit; a second signal exits at once.
 */
export function stopOnSignal(running: { close(): Promise<void> }, context: RuntimeContext): void {
  let stopping = false;
  let signals = 0;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    context.log.info({ reason }, 'stopping');
    running.close().then(
      () => {
        // The last line: whoever reads the log knows that nothing was cut off.
        context.log.info({ uptime_s: Math.round(process.uptime()) }, 'stopped');
        process.exit(0);
      },
      (error: unknown) => {
        context.log.fatal({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    signals++;
    if (signals > 1) process.exit(1);
    stop(signal);
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  process.once('disconnect', () => stop('parent gone'));
}
