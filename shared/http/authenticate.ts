import { mayCall } from '../domain/access.ts';
import { AppError } from '../errors.ts';
import type { RuntimeContext } from '../function/context.ts';
import type { HttpManifest } from '../function/define.ts';
import { authenticate as findOut } from '../identity/authenticate.ts';
import type { Ports } from '../ports/index.ts';
import type { HttpMiddleware } from './exchange.ts';

/** Finds out who calls, and refuses who may not, before anything of the body is read. */
export function authenticate(
  { name, trigger: { scope } }: HttpManifest,
  { accounts }: Pick<Partial<Ports>, 'accounts'>,
  { clock, config }: RuntimeContext,
): HttpMiddleware {
  if (scope === null) return passOn;
  // A function that asks for a scope and cannot check it must not answer anybody.
  if (accounts === undefined) throw new Error(`${name} asks for ${scope} and has no accounts`);
  const deps = { accounts, clock, outsideIssuer: config.outsideIssuer };
  return {
    before: async function authenticateBefore({ event }) {
      const { tenant, principal } = await findOut(event.request.headers, deps);
      event.tenant = tenant;
      event.principal = principal;
      event.log = event.log.child({ tenant, actor: `${principal.kind}:${principal.id}` });
      if (!mayCall(principal, scope)) {
        throw new AppError('FORBIDDEN', { message: `This needs the scope ${scope}.`, details: { scope } });
      }
    },
  };
}

/** middy takes no middleware without a step. */
const passOn: HttpMiddleware = { before: () => undefined };
