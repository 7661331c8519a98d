import type { Scylla } from './client.ts';
import type { ClaimTable } from './statements.ts';

/** A claim without its owner is anybody's after so long: whoever made it has died, or given up. */
export const abandonedMs = 60_000;

export interface Claims {
  /**
   * Whether `holder` has the name now; `fresh`: since this call. `keeps` says whether another holder is really known by it.
   *
   * [Note: Claims]
   * A name that only one can have is claimed, by a condition, before the one who has it is written, and released after the name was
   * given up. So two never have one name; what a crash leaves is a claim of somebody who is not known by the name. Such a claim is
   * taken over once it is old enough that its call cannot be under way any more. A holder that claims the name again renews the claim:
   * a call that failed meanwhile cannot take back what the later one counts on.
   */
  claim(tenant: string, name: string, holder: string, keeps: (holder: string) => Promise<boolean>): Promise<Claim>;
  holder(tenant: string, name: string): Promise<string | null>;
  release(tenant: string, name: string, holder: string): Promise<void>;
  /** Releases a name that was claimed for nothing, unless the holder has claimed it again. */
  giveBack(tenant: string, name: string, holder: string, claim: Claim): Promise<void>;
}

export interface Claim {
  readonly held: boolean;
  readonly fresh: boolean;
  /** Milliseconds since the epoch, and later than any earlier claim of the same holder. */
  readonly at: number;
}

export function claimsIn(scylla: Scylla, table: ClaimTable, now: () => number): Claims {
  const read = async (tenant: string, name: string) => {
    const [row] = await scylla.rows(`${table}:holder`, [tenant, name]);
    return row === undefined ? null : { holder: row.holder as string, claimedAt: Number(row.claimed_at) };
  };
  return {
    async claim(tenant, name, holder, keeps) {
      for (let attempt = 0; attempt < 5; attempt++) {
        const made = now();
        if (await scylla.decide(`${table}:claim`, [tenant, name, holder, made])) {
          return { held: true, fresh: true, at: made };
        }
        const there = await read(tenant, name);
        if (there === null) continue;
        const fresh = there.holder !== holder;
        const isAbandoned = there.claimedAt + abandonedMs <= now();
        if (fresh && (!isAbandoned || (await keeps(there.holder)))) break;
        const at = Math.max(now(), there.claimedAt + 1);
        const of = [tenant, name, there.holder, there.claimedAt];
        if (await scylla.decide(`${table}:take`, [holder, at, ...of])) return { held: true, fresh, at };
      }
      return { held: false, fresh: false, at: 0 };
    },
    holder: async (tenant, name) => (await read(tenant, name))?.holder ?? null,
    release: async (tenant, name, holder) => void (await scylla.decide(`${table}:release`, [tenant, name, holder])),
    giveBack: async (tenant, name, holder, { at }) =>
      void (await scylla.decide(`${table}:give-back`, [tenant, name, holder, at])),
  };
}
