import * as z from 'zod';
import * as wire from '../../shared/api/gallery.ts';
import { sliceOf } from '../../shared/api/list-slice.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'list-persons-by-external-ids',
    summary: 'List the persons with these external ids',
    description: 'The response has the persons in the order of the ids, in pages. Ids without a person are skipped.',
    tag: 'persons',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/persons/by_external_ids', scope: 'persons:read' },
    query: z.object({
      external_ids: z
        .array(wire.externalId)
        .min(1, 'must name at least one')
        .max(1000, 'must name at most 1000')
        .describe(
          'External ids, separated by commas. If an id contains a comma, send all as a JSON list: `["Doe, John","ada"]`.',
        ),
      limit: wire.pageLimit(50, 500),
      page_token: wire.pageToken,
    }),
    output: wire.personPage.extend({ external_ids: z.array(z.string()) }),
    errors: ['PAGE_TOKEN_INVALID'],
    uses: ['records'],
    ...sizes.record,
  },
  async ({ query, tenant, signal }, { records }) => {
    const ids = [...new Set(query.external_ids)];
    const found = await records.getPersonsByExternalIds(tenant, ids, { signal });
    const byExternalId = new Map(found.map((person) => [person.externalId, person]));
    const persons = ids.flatMap((id) => byExternalId.get(id) ?? []);
    const page = sliceOf(persons, { limit: query.limit, token: query.page_token, of: ids });
    return {
      message: `Found ${persons.length} persons for ${ids.length} external_ids`,
      data: {
        persons: page.items.map(wire.presentPerson),
        next_page_token: page.next,
        has_more: page.next !== null,
        external_ids: ids,
      },
    };
  },
);
