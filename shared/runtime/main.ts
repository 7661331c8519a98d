import { readConfig, refuseDistributed } from '../config.ts';
import { createContext } from './context.ts';
import type { FunctionDefinition } from './define.ts';
import type { Front } from './fronts.ts';
import { stopOnSignal } from './lifecycle.ts';
import type { Openers } from './ports.ts';
import { serve } from './serve.ts';

/** Entry of a function's own bundle: configuration from the environment, serve, stop on SIGTERM. */
export async function main(definition: FunctionDefinition, front: Front, openers: Openers): Promise<void> {
  const config = readConfig(process.env);
  refuseDistributed(config);
  const context = createContext(config);
  const running = await serve(definition, front, openers, context);
  stopOnSignal(running, context);
  running.ready.then(
    () => context.log.info({ function: definition.manifest.name, port: running.port }, 'ready'),
    async (error: unknown) => {
      context.log.fatal({ err: error }, 'not getting ready');
      await running.close();
      process.exit(1);
    },
  );
}
