import { readConfig } from '../../shared/config.ts';
import { createContext } from '../../shared/function/context.ts';
import { type FunctionDefinition, portsOf } from '../../shared/function/define.ts';
import type { Openers } from '../../shared/function/ports.ts';
import type { Front } from '../../shared/runtime/fronts.ts';
import { serve } from '../../shared/runtime/serve.ts';

/**
 * Runs the code of a function's start without the stores: configuration, server, a probe, and the modules that load when a port opens.
 * The code cache contains the code that has run. The caller must end the process.
 */
export async function warm(
  definition: FunctionDefinition,
  front: Front,
  modules: readonly (() => Promise<unknown>)[],
): Promise<void> {
  const context = createContext(readConfig({ FREEFACE_MODE: 'distributed', PORT: '0', LOG_LEVEL: 'error' }));
  const opening = Object.fromEntries(portsOf(definition.manifest).map((name) => [name, never]));
  const { port } = await serve(definition, front, opening as Openers, context);
  await (await fetch(`http://127.0.0.1:${port}/health/readiness`)).text();
  for (const load of modules) await load();
}

const never = () => new Promise<never>(() => {});
