import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Audit } from '../../ports/audit.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { tenantsWithEntries, walkChain, wronglyIndexed } from './audit-reading.ts';
import { openDatabase } from './database.ts';

export interface AuditFile extends Pick<Audit, 'tenants' | 'chains' | 'close'> {
  /** Subjects of entries by which they are not found, or wrongly; 0 when nobody meddled with the index. */
  wronglyIndexed(tenant: Tenant): number;
}

/**
 * The audit log of a data folder, only for reading; also while the platform runs on it. Errors: AppError STORE_UNAVAILABLE when
 * there is none or it cannot be read.
 */
export function openAuditFile(dataDir: string): AuditFile {
  const path = join(dataDir, 'audit.db');
  if (!existsSync(path)) throw new AppError('STORE_UNAVAILABLE', { message: `There is no ${path}.` });
  const database = openDatabase(path, { readOnly: true });
  return {
    tenants: async () => tenantsWithEntries(database),
    chains: (tenant, options) => walkChain(database, tenant, options?.signal),
    wronglyIndexed: (tenant) => wronglyIndexed(database, tenant),
    close: async () => database.close(),
  };
}
