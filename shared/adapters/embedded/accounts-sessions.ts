import { AppError } from '../../errors.ts';
import type { Session, User } from '../../ports/accounts.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { get as getUser } from './accounts-users.ts';
import type { Database } from './database.ts';

interface SessionRow {
  session_id: string;
  user_id: string;
  refresh_digest: string;
  created_at: number;
  expires_at: number;
}

/** Inside a transaction. Also deletes expired sessions. Errors: USER_NOT_FOUND. */
export function create(database: Database, tenant: Tenant, session: Omit<Session, 'createdAt'>, now: number): void {
  if (getUser(database, tenant, session.userId) === null) throw new AppError('USER_NOT_FOUND');
  database.run('DELETE FROM sessions WHERE expires_at <= ?', [now]);
  database.run(
    'INSERT INTO sessions (tenant, session_id, user_id, refresh_digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    [tenant, session.sessionId, session.userId, session.refreshDigest, now, session.expiresAt],
  );
}

export function getWithUser(
  database: Database,
  tenant: Tenant,
  sessionId: string,
  now: number,
): { session: Session; user: User } | null {
  const session = live(database, tenant, sessionId, now);
  const user = session === null ? null : getUser(database, tenant, session.userId);
  return session === null || user === null ? null : { session, user };
}

/** Inside a transaction. */
export function rotate(
  database: Database,
  tenant: Tenant,
  sessionId: string,
  { from, to, expiresAt }: { readonly from: string; readonly to: string; readonly expiresAt: number },
  now: number,
): 'rotated' | 'reused' | 'gone' {
  const session = live(database, tenant, sessionId, now);
  if (session === null) return 'gone';
  if (session.refreshDigest !== from) {
    end(database, tenant, sessionId, now);
    return 'reused';
  }
  database.run('UPDATE sessions SET refresh_digest = ?, expires_at = ? WHERE tenant = ? AND session_id = ?', [
    to,
    expiresAt,
    tenant,
    sessionId,
  ]);
  return 'rotated';
}

/** Inside a transaction. Returns whether the session existed and had not expired. */
export function end(database: Database, tenant: Tenant, sessionId: string, now: number): boolean {
  const session = live(database, tenant, sessionId, now);
  database.run('DELETE FROM sessions WHERE tenant = ? AND session_id = ?', [tenant, sessionId]);
  return session !== null;
}

function live(database: Database, tenant: Tenant, sessionId: string, now: number): Session | null {
  const row = database.get<SessionRow>(
    'SELECT * FROM sessions WHERE tenant = ? AND session_id = ? AND expires_at > ?',
    [tenant, sessionId, now],
  );
  if (row === undefined) return null;
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    refreshDigest: row.refresh_digest,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
