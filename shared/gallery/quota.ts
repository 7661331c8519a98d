import { AppError } from '../errors.ts';
import type { Quota } from '../ports/accounts.ts';
import type { Ports } from '../ports/index.ts';
import type { Usage } from '../ports/records/usage.ts';
import type { CallOptions, Tenant } from '../ports/tenant.ts';

/**
 * Refuses what would take a tenant beyond its quota. `added` finds out what the call is about to write; it is asked only where there
 * is a quota, so that a tenant without one costs nothing. Errors: QUOTA_EXCEEDED.
 *
 * [Note: Looking before writing]
 * Looking and writing are two steps, so calls at the same time may all still find room: a quota can be overshot by what the calls
 * under way write together, at most one photo's worth for each request that a process takes at once. Then it holds, since the next
 * call sees what all of them wrote. Making it exact would put every enrolment of a tenant behind a lock over all processes, which
 * is not worth a few photos.
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

/** Whoever adds nothing of a kind may go on, even where a quota was lowered below what is there. */
function refuseBeyond(kind: keyof Quota, quota: Quota, used: Usage, added: number): void {
  const limit = quota[kind];
  if (limit === null || added === 0 || used[kind] + added <= limit) return;
  const what = kind === 'bytes' ? 'bytes of images' : kind;
  throw new AppError('QUOTA_EXCEEDED', {
    message: `The tenant holds ${used[kind]} of the ${limit} ${what} it may; ${added} more do not fit.`,
    details: { quota: kind, used: used[kind], limit },
  });
}
