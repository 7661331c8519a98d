import type { Priority } from '../domain/priority.ts';
import { enrolmentJobs as tuning } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';

/**
 * Requires that the caller may use the lane. The lane `critical` is for admins, unless FREEFACE_CRITICAL_LANE is `everyone`: a lane that
 * every key may use has no advantage over the others. Errors: FORBIDDEN.
 */
export function requireLane(
  priority: Priority,
  { principal, config }: Pick<CallContext, 'principal' | 'config'>,
): void {
  if (priority !== 'critical' || mayUseCritical(config) || principal?.scopes.has('tenant:manage')) return;
  throw new AppError('FORBIDDEN', {
    message: 'Only an admin may use the priority critical; use high, or set FREEFACE_CRITICAL_LANE=everyone.',
    details: { field: 'priority' },
  });
}

/** The lane of a file, whose owner is unknown: `critical` becomes `high` unless every caller may use `critical`. */
export const laneOfFile = (priority: Priority, { config }: Pick<CallContext, 'config'>): Priority =>
  priority === 'critical' && !mayUseCritical(config) ? 'high' : priority;

const mayUseCritical = ({ criticalLane }: CallContext['config']): boolean => criticalLane === 'everyone';

/**
 * Requires room for `more` jobs in the tenant's own part of the lane, so that one tenant cannot fill the lane for the others. Resolves to
 * the number of jobs that are processed until the last of them is. Errors: BUSY.
 */
export async function requireRoom(
  more: number,
  priority: Priority,
  { tenant, signal }: Pick<CallContext, 'tenant' | 'signal'>,
  { records }: Pick<Ports, 'records'>,
): Promise<number> {
  const { own, last } = await records.lane(tenant, priority, more, { signal });
  if (own + more <= tuning.mostWaiting) return last;
  throw new AppError('BUSY', {
    message: `The tenant has ${own} jobs in the lane ${priority}, of ${tuning.mostWaiting} at most; wait until some of them have ended.`,
    details: { priority, waiting: own, limit: tuning.mostWaiting },
    retryAfter: 60,
  });
}
