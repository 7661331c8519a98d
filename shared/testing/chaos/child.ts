import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { adminKeyPath } from '../../runtime/first-start.ts';
import { bundleChild } from '../child-bundle.ts';
import type { OwnEngines } from '../own-engines.ts';
import type { ChaosPlatformOptions } from './platform.ts';

export interface ChaosChild {
  /** Returns the platform's URL and admin key once it listens; starts the platform if it is not running. */
  running(): Promise<{ url: string; key: string }>;
  /** Sends SIGKILL `afterMs` milliseconds after the platform is ready. */
  kill(afterMs: number): Promise<void>;
  /** Sends SIGTERM; resolves to the exit code. The next call of `running` starts the platform again. */
  terminate(): Promise<number | null>;
  /** Makes the next starts run without faults. */
  letLive(): void;
  kills(): number;
  restarts(): number;
  /** Sends SIGTERM for the last time; resolves to the exit code. */
  stop(): Promise<number | null>;
}

/** Runs the platform of the chaos test in a child process; `running` starts it again after it has ended. */
export async function superviseChild({
  dataDir,
  seed,
  root,
  rates,
  engines = null,
  settings = {},
}: {
  readonly dataDir: string;
  readonly seed: number;
  readonly root: string;
  readonly rates: Pick<ChaosPlatformOptions, 'failing' | 'slow' | 'duplicated' | 'latencyMs' | 'hookFaults'>;
  /** null: embedded. */
  readonly engines?: Pick<OwnEngines, 'environment' | 'prefix'> | null;
  /** In addition to the settings of the engines. */
  readonly settings?: Readonly<Record<string, string>>;
}): Promise<ChaosChild> {
  const bundle = await bundleChild('chaos/platform', root);
  let kills = 0;
  let starts = 0;
  let calm = false;
  let stopped = false;
  let current: Promise<{ url: string; key: string; child: ChildProcess } | null> | undefined;

  const start = async () => {
    const options: ChaosPlatformOptions = {
      dataDir,
      seed: seed + 1000 * starts++,
      prefix: engines?.prefix ?? null,
      settings,
      ...rates,
      ...(calm ? { failing: 0, slow: 0, duplicated: 0 } : {}),
    };
    const child = spawn(process.execPath, [bundle.file, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...engines?.environment },
    });
    const exited = once(child, 'exit');
    void exited.then(() => {
      current = undefined;
    });
    const line = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
      exited.then(() => undefined),
    ]);
    if (line === undefined) return null;
    return { url: `http://127.0.0.1:${line[0]}`, key: readFileSync(adminKeyPath(dataDir), 'utf8').trim(), child };
  };

  const up = async () => {
    // A platform does not start while an engine is down, so the supervisor retries.
    for (let tries = 0; tries < (engines === null ? 1 : 120); tries++) {
      if (stopped) throw new Error('the platform is stopped');
      const running = await (current ??= start());
      if (running !== null) return running;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error('the platform does not start');
  };

  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const running = await current?.catch(() => undefined);
    if (running == null || running.child.exitCode !== null || running.child.signalCode !== null) return null;
    const exited = once(running.child, 'exit') as Promise<[number | null]>;
    running.child.kill(signal);
    return (await exited)[0];
  };

  return {
    running: up,
    async kill(afterMs) {
      await up();
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      kills += 1;
      await end('SIGKILL');
    },
    terminate: () => end('SIGTERM'),
    letLive() {
      calm = true;
    },
    kills: () => kills,
    restarts: () => starts - 1,
    async stop() {
      const code = await end('SIGTERM');
      stopped = true;
      bundle.dispose();
      return code;
    },
  };
}
