import * as z from 'zod';
import * as letters from '../../shared/api/dead-letters.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-dead-letter',
    summary: 'Show a dead letter',
    tag: 'events',
    trigger: {
      kind: 'http',
      method: 'GET',
      path: '/api/v1/events/dead_letters/{dead_letter_id}',
      scope: 'events:manage',
    },
    params: z.object({ dead_letter_id: letters.deadLetterId }),
    output: letters.deadLetter.extend({
      event: z.record(z.string(), z.unknown()).describe('The original CloudEvent. It has ids, never images.'),
    }),
    errors: ['DEAD_LETTER_NOT_FOUND'],
    examples: {
      response: {
        ...letters.exampleLetter,
        event: {
          specversion: '1.0',
          id: '01a20d80-1b5c-7f3a-8c39-5a7d0a4f9c12',
          type: 'freeface.enrollment.requested.v1',
          source: '/freeface',
        },
      },
    },
    uses: ['records'],
    ...sizes.record,
  },
  async ({ params, tenant, signal }, { records }) => {
    const letter = await records.getDeadLetter(tenant, params.dead_letter_id.toLowerCase(), { signal });
    if (letter === null) throw new AppError('DEAD_LETTER_NOT_FOUND');
    return { data: { ...letters.presentDeadLetter(letter), event: { ...letter.event } } };
  },
);
