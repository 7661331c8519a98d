import * as z from 'zod';
import * as audited from '../../shared/api/audit.ts';
import { auditLine } from '../../shared/domain/audit-chain.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { Audit, AuditEntry, AuditFilter } from '../../shared/ports/audit.ts';
import type { Tenant } from '../../shared/ports/tenant.ts';

/** Characters that are sent together. */
const chunkLength = 64 * 1024;

export default defineFunction(
  {
    name: 'export-audit',
    summary: 'Export the audit log',
    description:
      'Every entry that matches, a JSON object a line, each chain from its oldest entry to its newest. An export without conditions proves itself: `npm run verify-audit -- --file audit.ndjson`, or anybody who knows that `hash` is the SHA-256 of the other fields as canonical JSON (RFC 8785). An answer that ends early is not ended properly, which HTTP clients report.',
    tag: 'audit',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/audit/export', scope: 'audit:read' },
    query: z.object(audited.filterFields),
    output: { binary: ['application/x-ndjson'] },
    uses: ['audit'],
    ...sizes.record,
  },
  async ({ query, tenant, signal }, { audit }) => ({
    bytes: inChunks(lines(tenant, audited.toFilter(query), audit, signal)),
    contentType: 'application/x-ndjson',
    headers: { 'content-disposition': `attachment; filename="audit-${tenant}.ndjson"` },
  }),
);

async function* lines(tenant: Tenant, filter: AuditFilter, audit: Audit, signal: AbortSignal): AsyncIterable<string> {
  for await (const entry of audit.chains(tenant, { signal })) {
    if (matches(entry, filter)) yield `${JSON.stringify(auditLine(tenant, entry))}\n`;
  }
}

const matches = ({ at, subjects, ...entry }: AuditEntry, filter: AuditFilter): boolean =>
  (filter.from === undefined || at >= filter.from) &&
  (filter.to === undefined || at < filter.to) &&
  (filter.actor === undefined || entry.actor === filter.actor) &&
  (filter.action === undefined || entry.action === filter.action) &&
  (filter.requestId === undefined || entry.requestId === filter.requestId) &&
  (filter.personId === undefined || subjects.persons.includes(filter.personId)) &&
  (filter.faceId === undefined || subjects.faces.includes(filter.faceId)) &&
  (filter.imageId === undefined || subjects.images.includes(filter.imageId));

async function* inChunks(texts: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  let held = '';
  for await (const text of texts) {
    held += text;
    if (held.length < chunkLength) continue;
    yield Buffer.from(held);
    held = '';
  }
  if (held !== '') yield Buffer.from(held);
}
