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

/** Options of the chaos test's platform, passed as JSON in its first argument. */
export interface ChaosPlatformOptions {
  readonly dataDir: string;
  readonly seed: number;
  /** Share of store calls that fail, 0..1. */
  readonly failing: number;
  /** Share of store calls that are slow, 0..1. */
  readonly slow: number;
  /** Share of events that are published more than once, 0..1. */
  readonly duplicated: number;
  /** Mean time of an extraction, in milliseconds. */
  readonly latencyMs: number;
  /** Whether the webhook store fails like the other stores. */
  readonly hookFaults: boolean;
  /** Prefix of the topic names in distributed mode, whose other settings are in the environment; null: embedded mode. */
  readonly prefix: string | null;
  /** Additional settings. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * A whole platform, which the test kills. Only the networks are fake. Its stores fail and are slow, and its broker gets events up to
 * ten times and out of order. Writes its port to standard output. Faults begin when the platform is ready, because it cannot start
 * while its stores are down; another test covers that.
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

/** Loads the distributed adapters only in distributed mode. */
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

/**
 * Publishes some events twice and some of these ten times, and shuffles each batch. Copies have no partition key, so they may overtake
 * the original.
 */
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
