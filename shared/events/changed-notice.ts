import { uploadIdOf } from '../domain/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tenant } from '../ports/tenant.ts';
import { outboxEntry } from './catalogue.ts';

/** The notice that a file in the bucket or the watched folder was created, changed or deleted. `path` is relative to the tenant's folder. */
export const changedNotice = (
  tenant: Tenant,
  path: string,
  { newId, clock, traceparent }: { readonly newId: () => string; readonly clock: Clock; readonly traceparent?: string },
  priority: 'normal' | 'low' = 'normal',
) =>
  outboxEntry('freeface.upload.changed.v1', {
    id: newId(),
    at: clock.now(),
    tenant,
    key: uploadIdOf(tenant, path),
    priority,
    traceparent,
    data: { path },
  });
