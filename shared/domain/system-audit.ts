import type { AuditSubjects, NewAuditEntry } from './audit-chain.ts';

/** Audit entry of an action of the platform, which no caller requested. */
export const systemEntry = (
  action: string,
  subjects: Partial<Omit<AuditSubjects, 'more'>>,
  { status = 200, details }: { readonly status?: number; readonly details: NewAuditEntry['details'] },
  { requestId }: { readonly requestId: string },
): NewAuditEntry => ({
  action,
  actor: 'system',
  actorName: null,
  subjects: { persons: [], faces: [], images: [], more: 0, ...subjects },
  status,
  code: null,
  address: null,
  requestId,
  details,
});
