import * as z from 'zod';
import * as audited from '../../shared/api/audit.ts';
import { auditLine } from '../../shared/domain/audit-chain.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import type { Audit, AuditEntry, AuditFilter } from '../../shared/ports/audit.ts';
import type { Tenant } from '../../shared/ports/tenant.ts';

/** A chunk of the response is sent when it has at least this many characters. */
const chunkLength = 64 * 1024;

export default defineFunction(
  {
    name: 'export-audit',
    summary: 'Export the audit log',
    description:
      'The response has every entry that matches the filters, one JSON object per line. Each chain goes from its oldest entry to its newest. You can verify an export without filters: run `npm run verify-audit -- --file audit.ndjson`, or write your own check (`hash` is the SHA-256 of the other fields as canonical JSON, RFC 8785). If the export stops early, the response does not end properly, and HTTP clients report an error.',
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
