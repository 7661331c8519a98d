import * as z from 'zod';
import * as letters from '../../shared/api/dead-letters.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { replayDeadLetter } from '../../shared/gallery/dead-letters.ts';

export default defineFunction(
  {
    name: 'replay-dead-letter',
    summary: 'Replay a dead letter',
    description:
      'The platform publishes the event again and deletes the dead letter. If the event fails again, the dead letter comes back. If the event belongs to a failed enrolment job, the platform queues the job again.',
    tag: 'events',
    trigger: {
      kind: 'http',
      method: 'POST',
      path: '/api/v1/events/dead_letters/{dead_letter_id}/replay',
      scope: 'events:manage',
    },
    params: z.object({ dead_letter_id: letters.deadLetterId }),
    output: z.object({ dead_letter_id: z.string(), status: z.literal('replayed') }),
    status: 202,
    errors: ['DEAD_LETTER_NOT_FOUND', 'DEAD_LETTER_FINAL'],
    examples: { response: { dead_letter_id: letters.exampleLetter.dead_letter_id, status: 'replayed' } },
    uses: ['records', 'images', 'uploads'],
    // It can publish an event of any type. This type is the most common one.
    emits: ['freeface.enrollment.requested.v1'],
    ...sizes.record,
  },
  async ({ params, ...call }, ports) => {
    const letter = await ports.records.getDeadLetter(call.tenant, params.dead_letter_id.toLowerCase(), call);
    if (letter === null) throw new AppError('DEAD_LETTER_NOT_FOUND');
    await replayDeadLetter(letter, call, ports);
    return {
      data: { dead_letter_id: letter.deadLetterId, status: 'replayed' as const },
      audit: { details: { dead_letter_id: letter.deadLetterId, event_id: letter.event.id } },
    };
  },
);
