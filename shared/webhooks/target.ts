import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import { allowedOf, targetProblem } from './addresses.ts';

/** Errors: VALIDATION_FAILED that names `field` when nothing may be sent to `url`, as far as can be known without asking for its name. */
export function requireTarget(url: string, field: string, { webhookAllow }: CallContext['config']): void {
  const issue = targetProblem(url, allowedOf(webhookAllow));
  if (issue === null) return;
  throw new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] });
}
