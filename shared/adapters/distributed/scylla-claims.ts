import type { Scylla } from './scylla-client.ts';
import type { ClaimTable } from './scylla-statements.ts';

/** A claim without its owner is anybody's after so long: whoever made it has died, or given up. */
export const abandonedMs = 60_000;

export interface Claims {
  /**
   * Whether `holder` has the name now; `fresh`: since this call. `keeps` says whether another holder is really known by it.
   *
   * [Note: Claims]
   * A name that only one can have is claimed, by a condition, before the one who has it is written, and released after the name was
   * given up. So two never have one name; what a crash leaves is a claim of somebody who is not known by the name. Such a claim is
   * taken over once it is old enough that its call cannot be under way any more.
   */
  claim(
    tenant: string,
    name: string,
    holder: string,
    keeps: (holder: string) => Promise<boolean>,
  ): Promise<{ held: boolean; fresh: boolean }>;
  holder(tenant: string, name: string): Promise<string | null>;
  release(tenant: string, name: string, holder: string): Promise<void>;
}

export function claimsIn(scylla: Scylla, table: ClaimTable, now: () => number): Claims {
  const read = async (tenant: string, name: string) => {
    const [row] = await scylla.rows(`${table}:holder`, [tenant, name]);
    return row === undefined ? null : { holder: row.holder as string, claimedAt: Number(row.claimed_at) };
  };
  return {
    async claim(tenant, name, holder, keeps) {
      for (let attempt = 0; attempt < 5; attempt++) {
        if (await scylla.decide(`${table}:claim`, [tenant, name, holder, now()])) return { held: true, fresh: true };
        const there = await read(tenant, name);
        if (there === null) continue;
        if (there.holder === holder) return { held: true, fresh: false };
        const isAbandoned = there.claimedAt + abandonedMs <= now() && !(await keeps(there.holder));
        if (!isAbandoned) return { held: false, fresh: false };
        const taken = await scylla.decide(`${table}:take`, [
          holder,
          now(),
          tenant,
          name,
          there.holder,
          there.claimedAt,
        ]);
        if (taken) return { held: true, fresh: true };
      }
      return { held: false, fresh: false };
    },
    holder: async (tenant, name) => (await read(tenant, name))?.holder ?? null,
    release: async (tenant, name, holder) => void (await scylla.decide(`${table}:release`, [tenant, name, holder])),
  };
}
