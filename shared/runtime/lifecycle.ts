import type { RuntimeContext } from '../function/context.ts';

/**
 * Closes `running` and ends the process at the first SIGTERM or SIGINT, or when the channel to the parent process closes. A second signal
 * ends the process at once.
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
        // The last line of the log: it shows that the stop was complete.
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
  process.once('disconnect', () => stop('parent process ended'));
}
