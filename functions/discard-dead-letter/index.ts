import * as z from 'zod';
import * as letters from '../../shared/api/dead-letters.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { discardDeadLetter } from '../../shared/gallery/dead-letters.ts';

export default defineFunction(
  {
    name: 'discard-dead-letter',
    summary: 'Delete a dead letter',
    description:
      'A dead letter is an event that the platform could not process and no longer retries. If it belongs to a failed enrolment job, the platform also deletes the image of the job.',
    tag: 'events',
    trigger: {
      kind: 'http',
      method: 'DELETE',
      path: '/api/v1/events/dead_letters/{dead_letter_id}',
      scope: 'events:manage',
    },
    params: z.object({ dead_letter_id: letters.deadLetterId }),
    output: z.object({ dead_letter_id: z.string(), status: z.literal('discarded') }),
    errors: ['DEAD_LETTER_NOT_FOUND'],
    examples: { response: { dead_letter_id: letters.exampleLetter.dead_letter_id, status: 'discarded' } },
    uses: ['records', 'images'],
    ...sizes.record,
  },
  async ({ params, ...call }, ports) => {
    const letter = await ports.records.getDeadLetter(call.tenant, params.dead_letter_id.toLowerCase(), call);
    if (letter === null) throw new AppError('DEAD_LETTER_NOT_FOUND');
    await discardDeadLetter(letter, call, ports);
    return {
      data: { dead_letter_id: letter.deadLetterId, status: 'discarded' as const },
      audit: { details: { dead_letter_id: letter.deadLetterId, event_id: letter.event.id } },
    };
  },
);
