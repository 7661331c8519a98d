import type { RuntimeContext } from './context.ts';

/** Stops `running` at the first SIGTERM or SIGINT and then lets the process exit; a second signal exits at once. */
export function stopOnSignal(running: { close(): Promise<void> }, context: RuntimeContext): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    context.log.info({ signal }, 'stopping');
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        context.log.fatal({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}
