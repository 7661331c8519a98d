import type { Bound, Scylla } from '../adapters/distributed/scylla/client.ts';

/**
 * A ScyllaDB client whose first conditional write of an image stays undecided: its caller gets an error, readers do not see it, and the
 * next conditional statement on the table applies it first, as Paxos does after a node died between accepting and applying.
 */
export function undecidedScylla(scylla: Scylla): Scylla {
  let held: readonly Bound[] | null = null;
  let isDone = false;

  const deciding = async (bounds: readonly Bound[], decide: () => Promise<boolean>): Promise<boolean> => {
    if (!bounds[0]![0].startsWith('images:')) return decide();
    if (!isDone) {
      isDone = true;
      held = bounds;
      throw new Error('no response in time');
    }
    const undecided = held;
    held = null;
    if (undecided !== null) await scylla.decideTogether(undecided);
    return decide();
  };

  return {
    ...scylla,
    decide: (name, values) => deciding([[name, values]], () => scylla.decide(name, values)),
    decideTogether: (bounds) => deciding(bounds, () => scylla.decideTogether(bounds)),
    close: async () => undefined,
  };
}
