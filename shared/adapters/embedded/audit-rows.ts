import type { AuditEntry, AuditSubjects } from '../../ports/audit.ts';
import type { Tenant } from '../../ports/tenant.ts';
import type { Value } from './database.ts';

export interface AuditRow {
  tenant: string;
  sequence: number;
  chain: string;
  at: number;
  action: string;
  actor: string | null;
  actor_name: string | null;
  subjects: string;
  status: number;
  code: string | null;
  address: string | null;
  request_id: string;
  details: string;
  previous: string;
  hash: string;
}

/** Values in the order of the columns of `appendEntry`. */
export const entryValues = (tenant: Tenant, entry: AuditEntry): Value[] => [
  tenant,
  entry.sequence,
  entry.chain,
  entry.at,
  entry.action,
  entry.actor,
  entry.actorName,
  JSON.stringify(entry.subjects),
  entry.status,
  entry.code,
  entry.address,
  entry.requestId,
  JSON.stringify(entry.details),
  entry.previous,
  entry.hash,
];

export const toEntry = (row: AuditRow): AuditEntry => ({
  action: row.action,
  actor: row.actor,
  actorName: row.actor_name,
  subjects: parsed<AuditSubjects>(row.subjects, { persons: [], faces: [], images: [], more: -1 }),
  status: row.status,
  code: row.code,
  address: row.address,
  requestId: row.request_id,
  details: parsed<AuditEntry['details']>(row.details, { unreadable: true }),
  at: row.at,
  chain: row.chain,
  sequence: row.sequence,
  previous: row.previous,
  hash: row.hash,
});

/** Damaged JSON becomes `spoilt`, which does not match the entry's hash; so the other entries can still be read. */
function parsed<T>(json: string, spoilt: T): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    return spoilt;
  }
}
