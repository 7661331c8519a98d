import { createHash } from 'node:crypto';
import type { NewAuditEntry } from '../ports/audit.ts';
import type { Ports } from '../ports/index.ts';
import { asTenant, defaultTenant, type Tenant } from '../ports/tenant.ts';
import type { HttpExchange } from './exchange.ts';

interface Login extends Pick<NewAuditEntry, 'actor' | 'actorName' | 'details'> {
  /** Owner of the log: the claimed tenant if it exists, otherwise the default tenant. */
  readonly tenant: Tenant;
}

/**
 * Describes the person who tries to log in. An unknown username may be a password in the wrong field, so the log never contains it,
 * only a digest: attempts with the same name have the same digest. A tenant that does not exist gets no log; the entry goes to the
 * default tenant.
 */
export async function describeLogin(
  event: HttpExchange,
  { accounts }: Pick<Partial<Ports>, 'accounts'>,
): Promise<Login> {
  const user = userOf(event.reply?.data);
  if (user !== null) {
    return { tenant: asTenant(user.tenant), actor: `user:${user.user_id}`, actorName: user.name, details: {} };
  }
  const { claimed, username, sessionId } = claimOf(event.input.body);
  const tenant = claimed !== null && (await accounts?.getTenant(claimed)) ? claimed : defaultTenant;
  const known = username === null || claimed === null ? null : await accounts?.getUserByName(claimed, username);
  return {
    tenant,
    actor: null,
    actorName: null,
    details: {
      ...(claimed === null || claimed === tenant ? {} : { tenant_claimed: claimed }),
      ...(known == null ? {} : { user_id: known.userId }),
      ...(username === null || known != null ? {} : { username_digest: digestOf(username) }),
      ...(sessionId === null ? {} : { session_id: sessionId }),
    },
  };
}

interface LoggedIn {
  readonly user_id: string;
  readonly name: string;
  readonly tenant: string;
}

const userOf = (data: unknown): LoggedIn | null =>
  typeof data === 'object' && data !== null && 'user' in data ? (data.user as LoggedIn) : null;

/** Reads the claims of the body, which may not be validated yet. */
function claimOf(body: unknown): { claimed: Tenant | null; username: string | null; sessionId: string | null } {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const [, tenantOfToken, session] =
    /^ffr\.([a-z0-9_-]{1,64})\.([A-Za-z0-9-]{1,64})\./.exec(text(fields.refresh_token)) ?? [];
  const tenant = tenantOfToken ?? text(fields.tenant);
  const username = text(fields.username);
  return {
    claimed: /^[a-z0-9_-]{1,64}$/.test(tenant) ? asTenant(tenant) : null,
    username: username === '' || username.length > 128 ? null : username,
    sessionId: session ?? null,
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const digestOf = (username: string): string =>
  createHash('sha256').update(`freeface username\n${username.toLowerCase()}`).digest('hex').slice(0, 32);
