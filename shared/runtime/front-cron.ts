import { pickPorts } from '../function/ports.ts';
import { cronPipeline } from './cron-pipeline.ts';
import { empty } from './empty-answer.ts';
import type { Front } from './fronts.ts';

/** Requests of a schedule. The body is ignored. 503: the run failed, call again. */
export const front: Front = (definition, ports, context) => {
  const run = cronPipeline(definition, pickPorts(ports, definition.manifest.uses), context);
  return async ({ gone }) => empty((await run(gone)) ? 204 : 503);
};
