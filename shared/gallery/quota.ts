import { AppError } from '../errors.ts';
import type { Quota } from '../ports/accounts.ts';
import type { Ports } from '../ports/index.ts';
import type { Usage } from '../ports/records/usage.ts';
import type { CallOptions, Tenant } from '../ports/tenant.ts';

/**
 * Refuses a write that would exceed the tenant's quota.
 *
 * @param added computes the amounts that the call will write; called only if the tenant has a quota, so that others pay no cost
 *
 * Errors: QUOTA_EXCEEDED.
 *
 * [Note: A quota is checked before the write]
 * The check and the write are two steps, so several concurrent calls may all pass the check. They can exceed the quota together, by at
 * most one photo for each concurrent request of a process. The next call then sees all their writes and is refused. An exact limit
 * would need a lock across all processes for every enrolment of a tenant; a few photos are not worth that.
 */
export async function checkQuota(
  tenant: Tenant,
  quota: Quota | null,
  added: () => Promise<Partial<Usage>>,
  { records }: Pick<Ports, 'records'>,
  options: CallOptions = {},
): Promise<void> {
  if (quota === null) return;
  const more = await added();
  const used = await records.usage(tenant, options);
  for (const kind of kinds) refuseBeyond(kind, quota, used, more[kind] ?? 0);
}

const kinds = ['persons', 'faces', 'bytes'] as const satisfies readonly (keyof Quota)[];

/** A call that adds nothing of a kind passes, even if the quota was lowered below the current usage. */
function refuseBeyond(kind: keyof Quota, quota: Quota, used: Usage, added: number): void {
  const limit = quota[kind];
  if (limit === null || added === 0 || used[kind] + added <= limit) return;
  const what = kind === 'bytes' ? 'bytes of images' : kind;
  throw new AppError('QUOTA_EXCEEDED', {
    message: `The tenant has ${used[kind]} ${what} and may have ${limit}; there is no room for ${added} more.`,
    details: { quota: kind, used: used[kind], limit },
  });
}
