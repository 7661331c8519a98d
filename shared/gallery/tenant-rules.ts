import type { CallContext } from '../function/define.ts';
import type { Quota } from '../ports/accounts.ts';
import type { Ports } from '../ports/index.ts';

/** What a tenant's settings ask of a call, as they are when it begins. */
export interface TenantRules {
  /**
   * The time at which consents have to be in force, in milliseconds since the epoch; null where the tenant does not ask for any.
   * See: [Note: Where consent is required]
   */
  readonly consentAt: number | null;
  /** null: none of its kinds is limited. */
  readonly quota: Quota | null;
}

export async function tenantRules(
  { tenant, clock, signal }: Pick<CallContext, 'tenant' | 'clock' | 'signal'>,
  { accounts }: Pick<Ports, 'accounts'>,
): Promise<TenantRules> {
  const settings = await accounts.getTenant(tenant, { signal });
  const quota = settings?.quota ?? null;
  return {
    consentAt: settings?.consentRequired === true ? clock.now() : null,
    quota: quota !== null && Object.values(quota).some((limit) => limit !== null) ? quota : null,
  };
}
