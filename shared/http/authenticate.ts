import { mayCall } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import { authenticate as findOut } from '../identity/authenticate.ts';
import type { Ports } from '../ports/index.ts';
import type { HttpMiddleware } from './exchange.ts';

/**
 * Authentication middleware: identifies the caller and checks the scope of the function before any of the body is read.
 * Errors: UNAUTHENTICATED, FORBIDDEN.
 *
 * @example
 * const pipeline = middy(handler).use(authenticate(manifest, { accounts }, context)).use(body());
 */
export function authenticate(
  { name, trigger: { scope } }: HttpManifest,
  { accounts }: Pick<Partial<Ports>, 'accounts'>,
  { clock, config }: RuntimeContext,
): HttpMiddleware {
  if (scope === null) return noStep;
  // A function that requires a scope must never run without the check.
  if (accounts === undefined) throw new Error(`${name} requires the scope ${scope}, so it needs the port accounts`);
  const deps = { accounts, clock, outsideIssuer: config.outsideIssuer };
  return {
    before: async function authenticateBefore({ event }) {
      const { tenant, principal } = await findOut(event.request.headers, deps);
      event.tenant = tenant;
      event.principal = principal;
      event.log = event.log.child({ tenant, actor: `${principal.kind}:${principal.id}` });
      if (!mayCall(principal, scope)) {
        throw new AppError('FORBIDDEN', { message: `This request requires the scope ${scope}.`, details: { scope } });
      }
    },
  };
}

/** middy requires at least one step in a middleware. */
const noStep: HttpMiddleware = { before: () => undefined };
