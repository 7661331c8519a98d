import { onTestFinished } from 'vitest';
import { webhooksContract } from '../../ports/webhooks.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { openWebhooks } from './webhooks.ts';

describeEngine('scylla', 'distributed webhooks', (settings) => {
  const scylla = testKeyspace(settings);

  webhooksContract({
    name: 'contract',
    open: async (clock) => {
      let webhooks = await openWebhooks({ engines: { scylla }, clock });
      onTestFinished(() => webhooks.close());
      return {
        webhooks,
        reopen: async () => {
          await webhooks.close();
          webhooks = await openWebhooks({ engines: { scylla }, clock });
          return webhooks;
        },
      };
    },
  });
});
