import { eventTypes } from '../../shared/events/catalogue.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { storedDeadLetter } from '../../shared/gallery/dead-letters.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';

/** Stores dead letters for an operator to inspect. A dead letter has no further dead-letter topic, so it is retried until it is stored. */
export default defineFunction(
  {
    name: 'record-dead-letter',
    summary: 'Store dead letters',
    trigger: {
      kind: 'event',
      type: eventTypes,
      topic: 'freeface.dead-letters',
      delivery: { retry: 100_000, backoff: 'linear', backoffDelayMs: 5000, timeoutMs: 30_000 },
    },
    uses: ['records', 'accounts'],
    ...sizes.record,
    concurrency: 4,
  },
  async ({ event, tenant, clock, signal, log }, { records, accounts }) => {
    const letter = storedDeadLetter(event, clock.now());
    // No user can read the dead letters of a tenant that does not exist, so `default` gets them.
    const owner = (await accounts.getTenant(tenant, { signal })) === null ? defaultTenant : tenant;
    await records.saveDeadLetter(owner, letter, { signal });
    const { deadLetterId, type, group, reason, status } = letter;
    log.warn({ dead_letter_id: deadLetterId, event_type: type, group, reason, status }, 'dead letter stored');
    return undefined;
  },
);
