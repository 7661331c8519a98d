import { changedNotice } from '../events/changed-notice.ts';
import { breakersOf } from '../function/breaker.ts';
import type { RuntimeContext } from '../function/context.ts';
import { type CronManifest, type EventManifest, type FunctionDefinition, writesEvents } from '../function/define.ts';
import { guardedPorts } from '../function/guarded-ports.ts';
import { type Openers, openPorts, pickPorts } from '../function/ports.ts';
import { openGuards } from '../http/guards.ts';
import { imageReader } from '../http/image-reader.ts';
import type { Delivery } from '../ports/events.ts';
import type { PortName, Ports } from '../ports/index.ts';
import { cronPipeline } from './cron-pipeline.ts';
import { eventPipeline } from './event-pipeline.ts';
import { firstStart } from './first-start.ts';
import { answerHealth, type Readiness } from './health.ts';
import { type Answer, listen } from './http-server.ts';
import { routeRequests } from './routes.ts';
import { shareCounts } from './shared-counts.ts';

export interface RunningPlatform {
  readonly host: string;
  readonly port: number;
  readonly ports: Ports;
  /** Accepts no new request, finishes the running requests and events, and then closes all ports. */
  close(): Promise<void>;
}

/** Delivery of an event function whose manifest has no `delivery`. */
export const defaultDelivery: Delivery = { retry: 8, backoff: 'exponential', backoffDelayMs: 500, timeoutMs: 60_000 };

/** Pause before the runs of `soonAfterStart`, so that the first requests are served first. */
const soonAfterStartMs = 5000;
/** Pause before a failed run of a cron function is repeated. It doubles with each failure. */
const retryPauseMs = { first: 1000, longest: 60_000 };

/**
 * Runs all functions in one process on one port. A router calls the HTTP functions, the broker calls the event functions, and timers call
 * the cron functions. Resolves when the server accepts requests.
 */
export async function runLocally(
  definitions: readonly FunctionDefinition[],
  openers: Openers,
  context: RuntimeContext,
): Promise<RunningPlatform> {
  const { ports, close: closePorts } = await openPorts(Object.keys(openers) as PortName[], openers, context);
  const stops: (() => Promise<void>)[] = [closePorts];
  stops.push(shareCounts(ports, context));
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    await ports.extractor?.ready();
    if (ports.accounts !== undefined) await firstStart(ports.accounts, context);
    const schedule = await startCrons(definitions, ports, context);
    stops.push(schedule.stop);
    for (const definition of definitions) await subscribe(definition, ports, context, stops, schedule.afterWrite);
    if (ports.uploads !== undefined) stops.push(await watchUploads(ports, context));
    let readiness: Readiness = 'ready';
    const equipment = { guards: openGuards, images: imageReader };
    const route = routeRequests(definitions, ports, context, equipment, schedule.afterWrite);
    const answer: Answer = async (request) =>
      (await answerHealth(request.path, readiness, ports.extractor)) ?? (await route(request));
    const server = await listen(answer, context);
    stops.push(async () => {
      readiness = 'stopping';
      await server.close(context.config.shutdownSeconds * 1000);
    });
    return { host: server.host, port: server.port, ports: ports as Ports, close: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function subscribe(
  definition: FunctionDefinition,
  ports: Partial<Ports>,
  context: RuntimeContext,
  stops: (() => Promise<void>)[],
  afterWrite: () => void,
): Promise<void> {
  const { trigger, name, uses, concurrency } = definition.manifest as EventManifest;
  if (trigger.kind !== 'event' || trigger.topic === null || ports.events === undefined) return;
  const handle = eventPipeline(definition, guardedPorts(pickPorts(ports, uses), breakersOf(context)), context);
  const stop = await ports.events.subscribe(
    {
      group: name,
      topic: trigger.topic,
      types: [trigger.type].flat(),
      delivery: trigger.delivery ?? defaultDelivery,
      concurrency,
    },
    async (event, { signal }) => {
      const outcome = await handle(event, undefined, signal);
      if (writesEvents(definition.manifest)) afterWrite();
      return outcome;
    },
  );
  stops.push(stop);
}

/** Publishes changes of the watched folder. If that fails, the function reconcile-uploads finds the change later. */
async function watchUploads(
  { uploads, events }: Partial<Ports>,
  context: RuntimeContext,
): Promise<() => Promise<void>> {
  if (uploads?.enabled !== true || events === undefined) return async () => undefined;
  return await uploads.watch((tenant, path) => {
    const { topic, event } = changedNotice(tenant, path, context);
    events
      .publish(topic, [event])
      .catch((error: unknown) => context.log.error({ err: error }, 'publishing a change of the watched folder failed'));
  });
}

/**
 * Starts the timers of the cron functions. Runs of one function never overlap: if a function is due during its run, it runs once more after
 * it. A failed run is repeated soon, because its work may be urgent and the next scheduled run may be hours away.
 */
async function startCrons(definitions: readonly FunctionDefinition[], ports: Partial<Ports>, context: RuntimeContext) {
  const abort = new AbortController();
  const timers = new Set<() => void>();
  let stopping = false;
  const later = (milliseconds: number, act: () => void) => {
    if (stopping) return;
    const cancel = context.clock.after(milliseconds, () => {
      timers.delete(cancel);
      act();
    });
    timers.add(cancel);
  };
  const jobs = definitions
    .filter(({ manifest }) => manifest.trigger.kind === 'cron')
    .map((definition) => {
      const manifest = definition.manifest as CronManifest;
      const runOnce = cronPipeline(definition, pickPorts(ports, manifest.uses), context);
      let failures = 0;
      const job = serialised(async () => {
        failures = (await runOnce(abort.signal)) ? 0 : failures + 1;
        if (failures > 0)
          later(Math.min(retryPauseMs.first * 2 ** (failures - 1), retryPauseMs.longest), () => void job.run());
      });
      return { trigger: manifest.trigger, ...job };
    });
  for (const job of jobs) if (job.trigger.atStart === true) await job.run();
  for (const { trigger, run } of jobs) {
    const repeat = () =>
      later((trigger.localSeconds ?? trigger.everyMinutes * 60) * 1000, () => {
        void run();
        repeat();
      });
    repeat();
    if (trigger.soonAfterStart === true) later(soonAfterStartMs, () => void run());
  }
  return {
    afterWrite() {
      for (const { trigger, run } of jobs) if (trigger.afterWrites === true) void run();
    },
    async stop() {
      stopping = true;
      for (const cancel of timers) cancel();
      // Publish the events in the outbox before the stores close.
      for (const { trigger, run } of jobs) if (trigger.afterWrites === true) await run();
      abort.abort();
      for (const { settled } of jobs) await settled();
    },
  };
}

/** `run` starts a run, or requests one more run after the current one. `settled` waits until no run is active. */
function serialised(run: () => Promise<unknown>): { run(): Promise<void>; settled(): Promise<void> } {
  let current: Promise<void> | undefined;
  let again = false;
  const loop = async () => {
    do {
      again = false;
      await run();
    } while (again);
    current = undefined;
  };
  return {
    run() {
      if (current !== undefined) again = true;
      else current = loop();
      return current ?? Promise.resolve();
    },
    settled: () => current ?? Promise.resolve(),
  };
}
