import * as z from 'zod';
import * as audited from '../../shared/api/audit.ts';
import * as wire from '../../shared/api/gallery.ts';
import { auditLine } from '../../shared/domain/audit-chain.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-audit',
    summary: 'List who looked at or changed what',
    description:
      'Newest first, in pages. Conditions hold together: `person_id` with `from` answers who looked at this person since then. Entries stay when a person is erased: that they were erased, and who saw them before, has to be provable; they hold ids, never names of persons.',
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
