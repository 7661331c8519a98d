import { seededRandom } from './vector-factories.ts';

export interface Interleaving {
  /** Wraps a port: each call waits for its turn. Methods that return an iteration, and `close`, are not changed. */
  port<Port extends object>(actor: string, name: string, port: Port): Port;
  /** Runs the actors until all have settled. */
  run<Result>(actors: readonly (() => Promise<Result>)[]): Promise<PromiseSettledResult<Result>[]>;
  /** The calls in the order in which they ran: `actor port.method`. */
  readonly calls: readonly string[];
}

type Call = (...parameters: unknown[]) => unknown;

/** Rounds of the event loop without a new call, after which the actors have made all calls that they can make. */
const quietRounds = 3;

/**
 * Runs several actors that share ports in one of the possible orders of their port calls. Only one port call runs at a time. When every
 * actor waits for a turn, `seed` chooses the next call. The same seed gives the same order, as long as the actors make the same calls.
 */
export function interleaving(seed: number): Interleaving {
  const random = seededRandom(seed);
  const waiting: { readonly label: string; readonly go: () => Promise<unknown> }[] = [];
  const calls: string[] = [];

  let isOver = false;

  const inTurn = async (label: string, run: () => unknown): Promise<unknown> => (isOver ? run() : waitFor(label, run));

  const waitFor = (label: string, run: () => unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const go = async () => {
        calls.push(label);
        await Promise.resolve().then(run).then(resolve, reject);
      };
      waiting.push({ label, go });
    });

  return {
    calls,
    port: (actor, name, port) =>
      new Proxy(port, {
        get(target, key: string) {
          const method = target[key as keyof typeof target] as unknown;
          if (typeof method !== 'function' || /^(close|keys|faceIds|files|chains|watch)$/.test(key)) return method;
          return (...parameters: unknown[]) =>
            inTurn(`${actor} ${name}.${key}`, () => (method as Call).apply(target, parameters));
        },
      }),
    async run(actors) {
      let settled = false;
      const outcomes = Promise.allSettled(actors.map((act) => act())).finally(() => {
        settled = true;
      });
      while (!settled) {
        for (let quiet = 0, before = -1; quiet < quietRounds && !settled; quiet++) {
          if (waiting.length !== before) quiet = 0;
          before = waiting.length;
          await new Promise((resolve) => setImmediate(resolve));
        }
        if (waiting.length === 0) continue;
        const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
        await next!.go();
      }
      // Work that no actor waits for.
      isOver = true;
      for (const { go } of waiting.splice(0)) void go();
      return await outcomes;
    },
  };
}
