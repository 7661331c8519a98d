import { webhooks as tuning } from '../../shared/domain/webhooks.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { callFor } from '../../shared/webhooks/call-for.ts';

const batch = 200;

export default defineFunction(
  {
    name: 'sweep-webhooks',
    summary: 'Start the delivery of due webhook messages and delete old messages',
    trigger: { kind: 'cron', everyMinutes: 1, localSeconds: 5, soonAfterStart: true },
    uses: ['webhooks', 'events'],
    emits: ['freeface.webhook.due.v1'],
    ...sizes.background,
  },
  async (call, { webhooks, events }) => {
    const { clock, signal, metrics } = call;
    const now = clock.now();
    const { givenUp, removed } = await webhooks.clearAway({
      giveUpBefore: now - tuning.mostMs,
      removeBefore: now - tuning.keptMs,
      signal,
    });
    metrics.webhooksGivenUp.inc(givenUp);
    let called = 0;
    for (;;) {
      const due = await webhooks.callDue({ limit: batch, quietMs: tuning.quietMs, signal });
      if (due.length > 0) await callFor(due, call, { events });
      called += due.length;
      if (due.length < batch) break;
    }
    const { messages, oldestAt } = await webhooks.pending({ signal });
    metrics.webhooksPending.set(messages);
    metrics.webhooksOldestSeconds.set(oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000);
    return { called, given_up: givenUp, removed };
  },
);
