import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Audit } from '../../ports/audit.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { tenantsWithEntries, walkChain, wronglyIndexed } from './audit-reading.ts';
import { openDatabase } from './database.ts';

export interface AuditFile extends Pick<Audit, 'tenants' | 'chains' | 'close'> {
  /** Number of wrong or missing rows in the index of subjects; 0 if the index was not changed. */
  wronglyIndexed(tenant: Tenant): number;
}

/**
 * The audit log of a data folder, read-only. It can be open while the platform uses the folder. Errors: AppError STORE_UNAVAILABLE
 * if the file does not exist or cannot be read.
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
