import { readConfig, unknownSettings } from '../config.ts';
import { createContext } from '../function/context.ts';
import { type FunctionDefinition, portsOf } from '../function/define.ts';
import { type EngineOpeners, openersOf } from './engine.ts';
import type { Front } from './fronts.ts';
import { stopOnSignal } from './lifecycle.ts';
import { serve } from './serve.ts';

/** Entry point of a function's bundle: reads the configuration from the environment, serves the function, and stops on SIGTERM. */
export async function main(definition: FunctionDefinition, front: Front, engines: EngineOpeners): Promise<void> {
  const config = readConfig(process.env);
  const openers = openersOf(config, engines, portsOf(definition.manifest));
  const context = createContext(config);
  for (const problem of unknownSettings(process.env)) context.log.warn(problem);
  const running = await serve(definition, front, openers, context);
  stopOnSignal(running, context);
  running.ready.then(
    () => context.log.info({ function: definition.manifest.name, port: running.port }, 'ready'),
    async (error: unknown) => {
      context.log.fatal({ err: error }, 'the start failed');
      await running.close();
      process.exit(1);
    },
  );
}
