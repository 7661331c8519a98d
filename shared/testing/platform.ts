import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFailed, onTestFinished } from 'vitest';
import { embeddedOpeners } from '../adapters/embedded/index.ts';
import { type Config, readConfig } from '../config.ts';
import { createContext, type RuntimeContext } from '../function/context.ts';
import type { FunctionDefinition } from '../function/define.ts';
import type { Openers } from '../function/ports.ts';
import type { Clock } from '../ports/clock.ts';
import type { Event } from '../ports/events.ts';
import type { PortName, Ports } from '../ports/index.ts';
import { adminKeyPath } from '../runtime/first-start.ts';
import { runLocally } from '../runtime/local.ts';
import { createLogger } from '../telemetry/log.ts';
import { type OwnEngines, ownOpeners, prepareEngines } from './own-engines.ts';
import { keyspaces } from './scylla-keyspace.ts';
import { type Answer, type CallOptions, send } from './send.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { shareWeights } from './weights.ts';

export { type Answer, type CallOptions, send };

export interface TestPlatform {
  readonly url: string;
  readonly ports: Ports;
  readonly context: RuntimeContext;
  /** Key with all rights; null on a platform without accounts. */
  readonly adminKey: string | null;
  /** All log lines until now, parsed. */
  readonly logs: Record<string, unknown>[];
  /** Resolves to the events on the topic `freeface.events`, oldest first, when there are at least `count`. */
  events(count: number): Promise<Event[]>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface PlatformOptions {
  readonly dataDir?: string;
  readonly clock?: Clock;
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: all embedded ports. */
  readonly openers?: Openers;
}

/** Starts a platform for one test; it is closed when the test has finished. */
export async function startPlatform(
  functions: readonly FunctionDefinition[],
  options: PlatformOptions = {},
): Promise<TestPlatform> {
  const dataDir = options.dataDir ?? folderWithWeights();
  const engines = onEngines ? await enginesOf(dataDir, (dispose) => onTestFinished(dispose, 120_000)) : null;
  const platform = await runPlatform(functions, dataDir, withEngines(options, engines));
  onTestFinished(platform.close);
  onTestFailed(() => showLog(platform));
  return platform;
}

/** Prints the last log lines, because the output of a failed test may be all that a developer has. */
const showLog = ({ logs }: TestPlatform) =>
  console.error(
    `The platform's last log lines:\n${logs
      .slice(-60)
      .map((line) => JSON.stringify(line))
      .join('\n')}`,
  );

/** One platform for all tests of a `describe`; each test uses its own persons. Call it inside the `describe`, outside of tests. */
export function sharedPlatform(
  functions: readonly FunctionDefinition[],
  options: PlatformOptions = {},
): () => TestPlatform {
  let platform: TestPlatform;
  let dataDir: string;
  let dispose = async (): Promise<void> => undefined;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'freeface-'));
    shareWeights(dataDir);
    const keepDispose = (given: () => Promise<void>) => {
      dispose = given;
    };
    const engines = onEngines ? await enginesOf(dataDir, keepDispose) : null;
    platform = await runPlatform(functions, dataDir, withEngines(options, engines));
  });
  afterAll(async () => {
    await platform.close();
    await dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return () => platform;
}

/**
 * [Note: The same tests on the engines]
 * With FREEFACE_TEST_MODE=distributed, every platform that a test starts uses a separate part of the engines. Each embedded port is
 * replaced by the distributed one; a port that a test brings is kept. A platform that is started again in the same folder gets the same
 * part. The adapters use the test's clock too, but Dragonfly and ScyllaDB expire data by their own clocks.
 */
const onEngines = process.env.FREEFACE_TEST_MODE === 'distributed';
const enginesByFolder = new Map<string, Promise<OwnEngines>>();
const shared = keyspaces();
if (onEngines) afterAll(shared.dispose);

function enginesOf(dataDir: string, atEnd: (dispose: () => Promise<void>) => void): Promise<OwnEngines> {
  const known = enginesByFolder.get(dataDir);
  if (known !== undefined) return known;
  const made = prepareEngines(shared);
  enginesByFolder.set(dataDir, made);
  atEnd(async () => (await made).dispose());
  return made;
}

function withEngines(options: PlatformOptions, engines: OwnEngines | null): PlatformOptions {
  if (engines === null) return options;
  const own: Openers = ownOpeners(engines.prefix);
  const replaced = Object.entries(options.openers ?? embeddedOpeners).map(([name, open]) => [
    name,
    open === embeddedOpeners[name as PortName] ? own[name as PortName] : open,
  ]);
  return {
    ...options,
    openers: Object.fromEntries(replaced) as Openers,
    settings: { ...(process.env as Record<string, string>), ...engines.environment, ...options.settings },
  };
}

async function runPlatform(
  functions: readonly FunctionDefinition[],
  dataDir: string,
  options: PlatformOptions,
): Promise<TestPlatform> {
  const logs: Record<string, unknown>[] = [];
  const context = createContext(testConfig(dataDir, options.settings), {
    checkOutput: true,
    log: createLogger('debug', { write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>) }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const running = await runLocally(functions, options.openers ?? embeddedOpeners, context);
  let closing: Promise<void> | undefined;
  const url = `http://127.0.0.1:${running.port}`;
  const adminKey =
    (running.ports as Partial<Ports>).accounts === undefined
      ? null
      : readFileSync(adminKeyPath(dataDir), 'utf8').trim();
  return {
    url,
    adminKey,
    ports: running.ports,
    context,
    logs,
    close: () => (closing ??= running.close()),
    call: (method, path, call) => send(url, method, path, { as: adminKey, ...call }),
    events: await collectEvents(running.ports),
  };
}

/** Creates a data folder for one test, with the weights of the default pack. */
export function folderWithWeights(): string {
  const dataDir = temporaryFolder();
  shareWeights(dataDir);
  return dataDir;
}

export const testConfig = (dataDir: string, settings: Readonly<Record<string, string>> = {}): Config =>
  readConfig({
    FREEFACE_DATA: dataDir,
    PORT: '0',
    FREEFACE_SHUTDOWN_SECONDS: '2',
    // Tests repeat requests until a job is done.
    FREEFACE_RATE_LIMIT_PER_KEY: '0',
    FREEFACE_RATE_LIMIT_PER_ADDRESS: '0',
    ...settings,
  });

/** Collects the published events and wakes the tests that wait for them. */
async function collectEvents(ports: Partial<Ports>): Promise<(count: number) => Promise<Event[]>> {
  const seen: Event[] = [];
  const waiting = new Set<() => void>();
  await ports.events?.subscribe(
    {
      group: 'test',
      topic: 'freeface.events',
      delivery: { retry: 0, backoff: 'linear', backoffDelayMs: 1, timeoutMs: 1000 },
      concurrency: 1,
    },
    async (event) => {
      seen.push(event);
      for (const wake of waiting) wake();
      return { status: 204 };
    },
  );
  return (count) =>
    new Promise((resolve) => {
      const wake = () => {
        if (seen.length < count) return;
        waiting.delete(wake);
        resolve([...seen]);
      };
      waiting.add(wake);
      wake();
    });
}
