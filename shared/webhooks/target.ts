import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import { allowedOf, targetProblem } from './addresses.ts';

/** Checks the URL of a webhook without resolving its host name. Errors: VALIDATION_FAILED, which names `field`. */
export function requireTarget(url: string, field: string, { webhookAllow }: CallContext['config']): void {
  const issue = targetProblem(url, allowedOf(webhookAllow));
  if (issue === null) return;
  throw new AppError('VALIDATION_FAILED', { message: `${field} ${issue}.`, details: [{ field, issue }] });
}
