import type { EngineName } from '../../engine-settings.ts';
import { realOutage } from '../outages.ts';

export interface ServerKiller {
  /** Kills the next of the servers, when the one before is there again, and starts it after up to three seconds. */
  killNext(): void;
  /** Resolves when all servers are there again. */
  settled(): Promise<void>;
  kills(): Record<string, number>;
}

const names: readonly EngineName[] = ['kafka', 'scylla', 's3'];
const longestMs = 3000;

/** One server at a time: what all are good for at once is another test. */
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
    say(`${name} is there again`);
  };
  return {
    killNext() {
      const name = names[next++ % names.length]!;
      const downMs = random() * longestMs;
      last = last.then(() => kill(name, downMs));
      // Whoever waits for them learns of it.
      last.catch(() => undefined);
    },
    settled: () => last,
    kills: () => ({ ...kills }),
  };
}
