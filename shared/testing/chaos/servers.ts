import type { EngineName } from '../../engine-settings.ts';
import { realOutage } from '../outages.ts';

export interface ServerKiller {
  /** Kills the next server once the previous one runs again, and restarts it after at most three seconds. */
  killNext(): void;
  /** Resolves when all servers run again. */
  settled(): Promise<void>;
  kills(): Record<string, number>;
}

const names: readonly EngineName[] = ['kafka', 'scylla', 's3'];
const longestMs = 3000;

/** Kills one server at a time: this test does not cover several servers that are down together. */
export function serverKiller(random: () => number, say: (line: string) => void): ServerKiller {
  const kills: Record<string, number> = {};
  let next = 0;
  let last: Promise<void> = Promise.resolve();
  const kill = async (name: EngineName, downMs: number) => {
    const outage = realOutage(name);
    say(`${name} is killed`);
    await outage.down();
    kills[name] = (kills[name] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, downMs));
    await outage.up();
    say(`${name} runs again`);
  };
  return {
    killNext() {
      const name = names[next++ % names.length]!;
      const downMs = random() * longestMs;
      last = last.then(() => kill(name, downMs));
      // The error reaches the caller through `settled`.
      last.catch(() => undefined);
    },
    settled: () => last,
    kills: () => ({ ...kills }),
  };
}
