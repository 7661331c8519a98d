import { writeSync } from 'node:fs';
import { functions } from '../../../functions/registry.gen.ts';
import { embeddedOpeners } from '../../adapters/embedded/index.ts';
import { readConfig } from '../../config.ts';
import { createContext, type RuntimeContext } from '../../function/context.ts';
import type { Openers } from '../../function/ports.ts';
import type { Events } from '../../ports/events.ts';
import { stopOnSignal } from '../../runtime/lifecycle.ts';
import { runLocally } from '../../runtime/local.ts';
import { createLogger } from '../../telemetry/log.ts';
import { fakeExtractor } from '../fake-extractor.ts';
import { type Faults, withFaults } from '../faults.ts';
import { seededRandom } from '../vector-factories.ts';

/** What the platform of the chaos test is told, as JSON in its first argument. */
export interface ChaosPlatformOptions {
  readonly dataDir: string;
  readonly seed: number;
  /** 0..1, of calls of stores. */
  readonly failing: number;
  readonly slow: number;
  /** 0..1, of events. */
  readonly duplicated: number;
  /** A mean, in milliseconds. */
  readonly latencyMs: number;
  /** Whether the store of webhooks fails as the others do. */
  readonly hookFaults: boolean;
  /** Before the names of topics of distributed mode, the rest of which is in the environment; null: embedded. */
  readonly prefix: string | null;
  /** More of its settings. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * A whole platform that somebody is going to kill: everything real but the networks, with stores that fail and are slow, and a
 * broker that gets events up to ten times and out of order. Says its port on standard output. Nothing fails before it is up: a platform whose
 * stores are down at the start does not start, which is another test's.
 */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2]!) as ChaosPlatformOptions;
  const random = seededRandom(options.seed);
  let up = false;
  const faults: Faults = {
    failing: options.failing,
    slow: options.slow,
    slowMs: 100,
    random,
    active: () => up,
  };
  const config = readConfig({
    ...(options.prefix === null ? {} : process.env),
    ...options.settings,
    FREEFACE_DATA: options.dataDir,
    PORT: '0',
    FREEFACE_RATE_LIMIT_PER_ADDRESS: '0',
    FREEFACE_RATE_LIMIT_PER_KEY: '0',
    FREEFACE_WEBHOOK_ALLOW: '127.0.0.1',
    FREEFACE_SHUTDOWN_SECONDS: '10',
  });
  const log = createLogger(process.env.CHAOS_LOG ?? 'fatal', { write: (line: string) => process.stderr.write(line) });
  const context = createContext(config, { log });
  const running = await runLocally(functions, faultyOpeners(await enginesOf(options), options, faults), context);
  const close = () => {
    up = false;
    return running.close();
  };
  stopOnSignal({ close }, context);
  up = true;
  writeSync(1, `${running.port}\n`);
}

type AllOpeners = Required<Openers>;

/** What distributed mode stands on is loaded for it alone. */
const enginesOf = async ({ prefix }: ChaosPlatformOptions): Promise<AllOpeners> =>
  prefix === null ? embeddedOpeners : (await import('../own-engines.ts')).ownOpeners(prefix);

function faultyOpeners(
  engines: AllOpeners,
  { latencyMs, duplicated, hookFaults }: ChaosPlatformOptions,
  faults: Faults,
): Openers {
  const faulty = <Name extends 'records' | 'vectors' | 'images' | 'uploads' | 'cache' | 'audit' | 'webhooks'>(
    name: Name,
  ) =>
    (async (context: RuntimeContext) =>
      withFaults(await engines[name](context), faults)) as unknown as AllOpeners[Name];
  return {
    ...engines,
    records: faulty('records'),
    vectors: faulty('vectors'),
    images: faulty('images'),
    uploads: faulty('uploads'),
    cache: faulty('cache'),
    audit: faulty('audit'),
    ...(hookFaults ? { webhooks: faulty('webhooks') } : {}),
    events: async (context) => shuffled(withFaults(await engines.events(context), faults), duplicated, faults),
    extractor: async () => fakeExtractor({ latencyMs: () => latencyMs * (0.5 + faults.random()), working: 4 }),
  };
}

/** Publishes some events twice, and some of these ten times, the copies under no key so that they may overtake, and each lot in another order. */
function shuffled(events: Events, duplicated: number, { random }: Faults): Events {
  return {
    ...events,
    async publish(topic, given, options) {
      const copies = given
        .filter(() => random() < duplicated)
        .flatMap(({ partitionkey: _, ...event }) =>
          Array.from({ length: random() < 0.1 ? 9 : 1 }, () => event as (typeof given)[number]),
        );
      const order = [...given, ...copies].map((event) => ({ event, at: random() }));
      await events.publish(
        topic,
        order.toSorted((a, b) => a.at - b.at).map(({ event }) => event),
        options,
      );
    },
  };
}

await main();
