import { type Expired, expire } from '../../shared/gallery/expire.ts';
import type { Accounts, TenantRecord } from '../../shared/ports/accounts.ts';
import { defineFunction } from '../../shared/runtime/define.ts';
import { sizes } from '../../shared/runtime/sizes.ts';

/** Gives up images and unknown faces whose time of retention is over. See: [Note: Expiry can be cut short] */
export default defineFunction(
  {
    name: 'expire-data',
    summary: 'Give up images and unknown faces whose time is over',
    // Who runs the platform for less than an hour at a time has retention, too.
    trigger: { kind: 'cron', everyMinutes: 60, soonAfterStart: true },
    uses: ['records', 'vectors', 'images', 'accounts', 'audit'],
    emits: ['freeface.face.erased.v1'],
    ...sizes.background,
  },
  async (call, ports) => {
    const total = { images: 0, bytes: 0, faces: 0 };
    for await (const { tenant, retention } of tenantsOf(ports.accounts, call.signal)) {
      if (retention.imagesDays === null && retention.unknownFacesDays === null) continue;
      const expired = await expire(retention, { ...call, tenant }, ports);
      for (const key of Object.keys(total) as (keyof Expired)[]) total[key] += expired[key];
    }
    return total;
  },
);

async function* tenantsOf(accounts: Accounts, signal: AbortSignal): AsyncIterable<TenantRecord> {
  let after: string | undefined;
  do {
    const page = await accounts.listTenants({ limit: 500, after, signal });
    yield* page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
