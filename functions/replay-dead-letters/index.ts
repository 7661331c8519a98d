import * as z from 'zod';
import * as letters from '../../shared/api/dead-letters.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { discardDeadLetter, replayDeadLetter } from '../../shared/gallery/dead-letters.ts';
import type { StoredDeadLetter } from '../../shared/ports/records/dead-letters.ts';

const most = 1000;

export default defineFunction(
  {
    name: 'replay-dead-letters',
    summary: 'Replay or delete many dead letters',
    description: `Select the dead letters by their ids, or by type or reason. Set \`action\` to \`discard\` to delete them instead of replaying them. One request handles at most ${most}; \`remaining\` is true if there are more. Dead letters that cannot be replayed are counted as \`final\` and stay.`,
    tag: 'events',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/events/dead_letters/replay', scope: 'events:manage' },
    body: z.object({
      action: z.enum(['replay', 'discard']).default('replay'),
      dead_letter_ids: z.array(letters.deadLetterId).min(1).max(most).optional(),
      ...letters.filterFields,
    }),
    output: z.object({
      replayed: z.number().int(),
      discarded: z.number().int(),
      final: z
        .number()
        .int()
        .describe('Dead letters that cannot be replayed, for example because the job or its image is gone.'),
      missing: z.number().int().describe('Ids that have no dead letter.'),
      remaining: z.boolean(),
    }),
    status: 202,
    examples: {
      request: { reason: 'STORE_UNAVAILABLE' },
      response: { replayed: 12, discarded: 0, final: 0, missing: 0, remaining: false },
    },
    uses: ['records', 'images', 'uploads'],
    // It can publish events of any type. This type is the most common one.
    emits: ['freeface.enrollment.requested.v1'],
    ...sizes.erasure,
  },
  async ({ body, ...call }, ports) => {
    const { action, dead_letter_ids: ids, ...filter } = body;
    if (ids === undefined && Object.values(filter).every((value) => value === undefined)) {
      const issue = 'is required unless type or reason is given';
      throw new AppError('VALIDATION_FAILED', {
        message: `dead_letter_ids ${issue}.`,
        details: [{ field: 'dead_letter_ids', issue }],
      });
    }
    const { tenant, signal } = call;
    const result = { replayed: 0, discarded: 0, final: 0, missing: 0, remaining: false };
    const handle = async (letter: StoredDeadLetter) => {
      if (action === 'discard') {
        await discardDeadLetter(letter, call, ports);
        result.discarded += 1;
        return;
      }
      await replayDeadLetter(letter, call, ports).then(
        () => {
          result.replayed += 1;
        },
        (error: unknown) => {
          if (!(error instanceof AppError && error.code === 'DEAD_LETTER_FINAL')) throw error;
          result.final += 1;
        },
      );
    };
    if (ids === undefined) {
      const page = await ports.records.listDeadLetters(tenant, filter, { limit: most, signal });
      for (const letter of page.items) await handle(letter);
      result.remaining = page.next !== null;
    } else {
      for (const id of new Set(ids.map((each) => each.toLowerCase()))) {
        const letter = await ports.records.getDeadLetter(tenant, id, { signal });
        if (letter === null) result.missing += 1;
        else await handle(letter);
      }
    }
    return {
      data: result,
      audit: { details: { action, replayed: result.replayed, discarded: result.discarded, final: result.final } },
    };
  },
);
