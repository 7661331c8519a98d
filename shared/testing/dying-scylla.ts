import type { Scylla } from '../adapters/distributed/scylla/client.ts';

/**
 * A ScyllaDB client that simulates the death of its process. The first `last` writes reach ScyllaDB, but the caller gets no result
 * for the `last`-th write. After it, every call fails.
 */
export function dyingScylla(scylla: Scylla, last: number): { scylla: Scylla; readonly isDead: boolean } {
  let writes = 0;
  const dead = () => new Error('the process is dead');
  const writing =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (writes >= last) throw dead();
      writes++;
      const result = await call(...args);
      if (writes >= last) throw dead();
      return result;
    };
  return {
    scylla: {
      async rows(...args) {
        if (writes >= last) throw dead();
        return await scylla.rows(...args);
      },
      decide: writing(scylla.decide),
      decideTogether: writing(scylla.decideTogether),
      write: writing(scylla.write),
      writeTogether: writing(scylla.writeTogether),
      close: async () => undefined,
    },
    get isDead() {
      return writes >= last;
    },
  };
}
