import type { AuditSubjects, NewAuditEntry } from '../ports/audit.ts';
import type { CallContext } from '../runtime/define.ts';

/** An entry for what the platform does by itself. */
export const systemEntry = (
  action: string,
  subjects: Partial<Omit<AuditSubjects, 'more'>>,
  { status = 200, details }: { readonly status?: number; readonly details: NewAuditEntry['details'] },
  { requestId }: Pick<CallContext, 'requestId'>,
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
