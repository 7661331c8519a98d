import type { CallContext } from '../function/define.ts';
import type { Quota } from '../ports/accounts.ts';
import type { Ports } from '../ports/index.ts';

/** The tenant's settings at the start of a call. */
export interface TenantRules {
  /**
   * Time at which a consent must be in force, in milliseconds since the epoch; null: the tenant requires no consent.
   * See: [Note: Required consent]
   */
  readonly consentAt: number | null;
  /** null: no kind is limited. */
  readonly quota: Quota | null;
  /** IANA name; null: the tenant has no time zone. */
  readonly timeZone: string | null;
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
    timeZone: settings?.timeZone ?? null,
  };
}
