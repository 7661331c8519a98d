import * as z from 'zod';
import * as audited from '../../shared/api/audit.ts';
import * as wire from '../../shared/api/gallery.ts';
import { auditLine } from '../../shared/domain/audit-chain.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-audit',
    summary: 'List the audit log',
    description:
      'The audit log shows who read or changed which data. The response has the newest entries first, in pages. An entry must match all given filters: `person_id` and `from` together show who looked at this person since that time. The entries stay when a person is erased, as proof of the erasure and of every earlier access. Entries have ids, never names of persons.',
    tag: 'audit',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/audit', scope: 'audit:read' },
    query: z.object({ ...audited.filterFields, limit: wire.pageLimit(50, 500), page_token: wire.pageToken }),
    output: z.object({
      entries: z.array(audited.entry),
      next_page_token: z.string().nullable(),
      has_more: z.boolean(),
    }),
    errors: ['PAGE_TOKEN_INVALID'],
    examples: { response: { entries: [audited.exampleEntry], next_page_token: null, has_more: false } },
    uses: ['audit'],
    ...sizes.record,
  },
  async ({ query: { limit, page_token: after, ...filter }, tenant, signal }, { audit }) => {
    const page = await audit.list(tenant, audited.toFilter(filter), { limit, after, signal });
    return {
      data: {
        entries: page.items.map((entry) => auditLine(tenant, entry) as z.output<typeof audited.entry>),
        next_page_token: page.next,
        has_more: page.next !== null,
      },
    };
  },
);
