import type { Scylla } from './client.ts';
import type { ClaimTable } from './statements.ts';

/** Age in milliseconds from which another holder may take over an unused claim: the call that made it has died or given up. */
export const abandonedMs = 60_000;

export interface Claims {
  /**
   * Claims a name for `holder`. `keeps` resolves to whether another holder's row really has the name.
   *
   * [Note: Claims]
   * A unique name is claimed with a conditional write before the holder's row is written. It is released after the holder's row no longer
   * has the name. So two holders never have the same name. A crash can leave a claim whose holder does not have the name. Another
   * holder takes over such a claim once its call cannot be running any more. When a holder claims the name again, its claim is renewed.
   * So an earlier call that fails cannot release the claim that a later call relies on.
   */
  claim(tenant: string, name: string, holder: string, keeps: (holder: string) => Promise<boolean>): Promise<Claim>;
  /** Holder of the claim; null when the name is free. The holder's row may not have the name. */
  holder(tenant: string, name: string): Promise<string | null>;
  release(tenant: string, name: string, holder: string): Promise<void>;
  /** Releases a claim that was not used, unless the holder has renewed it since. */
  giveBack(tenant: string, name: string, holder: string, claim: Claim): Promise<void>;
}

export interface Claim {
  /** Whether `holder` has the name now. */
  readonly held: boolean;
  /** Whether `holder` got the name with this call. */
  readonly fresh: boolean;
  /** Milliseconds since the epoch; later than every earlier claim of the same holder. */
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
        const current = await read(tenant, name);
        if (current === null) continue;
        const fresh = current.holder !== holder;
        const isAbandoned = current.claimedAt + abandonedMs <= now();
        if (fresh && (!isAbandoned || (await keeps(current.holder)))) break;
        const at = Math.max(now(), current.claimedAt + 1);
        const of = [tenant, name, current.holder, current.claimedAt];
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
