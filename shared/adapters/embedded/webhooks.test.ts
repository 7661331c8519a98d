import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { webhooksContract } from '../../ports/webhooks.contract.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { newMessage, newWebhook } from '../../testing/webhook-factories.ts';
import { openWebhooks } from './webhooks.ts';

webhooksContract({
  name: 'embedded webhooks',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let webhooks = await openWebhooks({ dataDir, clock });
    onTestFinished(() => webhooks.close());
    return {
      webhooks,
      reopen: async () => {
        await webhooks.close();
        webhooks = await openWebhooks({ dataDir, clock });
        return webhooks;
      },
    };
  },
});

it('When webhooks are stored, then no value is readable on the disk, and only the owner can read the files', async () => {
  const dataDir = temporaryFolder();
  const webhooks = await openWebhooks({ dataDir, clock: fakeClock() });
  onTestFinished(() => webhooks.close());
  const tenant = newTenant();
  const webhook = newWebhook();
  await webhooks.createWebhook(tenant, webhook, { most: 1 });
  const message = newMessage({ webhookId: webhook.webhookId });
  await webhooks.addMessages(tenant, [message], { quietMs: 1 });

  const files = readdirSync(dataDir).filter((name) => name.startsWith('webhooks'));

  expect(files).toEqual(expect.arrayContaining(['webhooks.db', 'webhooks.db-wal', 'webhooks.key']));
  for (const name of files) {
    const bytes = readFileSync(join(dataDir, name));
    for (const text of [webhook.secret, 'a-token-that-stands-out', message.payload, 'CREATE TABLE']) {
      expect(bytes.includes(text), `${name} contains ${text}`).toBe(false);
    }
    expect(statSync(join(dataDir, name)).mode & 0o777, name).toBe(0o600);
  }
});
