import { expect, it, onTestFinished } from 'vitest';
import { dyingScylla } from '../../testing/dying-scylla.ts';
import { describeEngine } from '../../testing/engine.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { newMessage, newWebhook } from '../../testing/webhook-factories.ts';
import { openScylla } from './scylla/client.ts';
import { openScyllaStore } from './scylla/store.ts';
import { openWebhooks, webhooksOn } from './webhooks.ts';

const quietMs = 30_000;
const leaseMs = 45_000;
const turnOptions = { leaseMs, mostOfTenant: 40 };
const day = 24 * 3_600_000;

describeEngine('scylla', 'webhooks of a process that dies', (settings) => {
  const scylla = testKeyspace(settings);

  const setUp = async () => {
    const clock = fakeClock();
    const options = { engines: { scylla }, clock };
    const connection = openScylla(scylla);
    const webhooks = await openWebhooks(options);
    onTestFinished(async () => {
      await webhooks.close();
      await connection.close();
    });
    const tenant = newTenant();
    const { webhookId } = await webhooks.createWebhook(tenant, newWebhook(), { most: 50 });
    const dying = (last: number) => {
      const dead = dyingScylla(connection, last);
      return { dead, webhooks: webhooksOn(openScyllaStore('webhooks', options, dead.scylla)) };
    };
    const look = async () =>
      (await webhooks.callDue({ limit: 1000, quietMs })).filter((each) => each.tenant === tenant);
    return { clock, webhooks, tenant, webhookId, queue: { tenant, queue: webhookId }, dying, look };
  };

  it('When the process dies at any request while a message is added, sent and settled, then the message is delivered or sent again, and no entry is left', async () => {
    for (let last = 1; ; last++) {
      const { clock, webhooks, tenant, webhookId, queue, dying, look } = await setUp();
      const message = newMessage({ webhookId });
      const { dead, webhooks: first } = dying(last);

      await (async () => {
        await first.addMessages(tenant, [message], { quietMs });
        await first.beginTurn(queue, 'a', turnOptions);
        await first.nextMessage(queue, 'a', { leaseMs });
        await first.settle(tenant, message.messageId, null, { status: 'pending', dueAt: clock.now() + 5000 });
        await first.endTurn(queue, 'a', { quietMs });
      })().catch(() => undefined);
      await clock.advance(leaseMs);
      const isThere = (await webhooks.getMessage(tenant, message.messageId)) !== null;
      const called = await look();
      // The event of the message is delivered again, so now the message exists in any case.
      await webhooks.addMessages(tenant, [message], { quietMs });
      const begun = await webhooks.beginTurn(queue, 'b', turnOptions);
      const next = await webhooks.nextMessage(queue, 'b', { leaseMs });
      await webhooks.settle(tenant, message.messageId, null, { status: 'delivered' });
      const again = await webhooks.endTurn(queue, 'b', { quietMs });
      await clock.advance(day);

      expect({ last, called }).toEqual({ last, called: isThere ? [queue] : [] });
      expect([begun, next?.message.messageId, again]).toEqual([true, message.messageId, false]);
      expect((await webhooks.listMessages(tenant, webhookId, { limit: 10 })).items).toMatchObject([
        { messageId: message.messageId, status: 'delivered', dueAt: null },
      ]);
      expect(await look()).toEqual([]);
      if (!dead.isDead) break;
    }
  });

  it('When the process dies at any request while a webhook is deleted, then its messages are deleted with it, also for a new webhook with its id', async () => {
    for (let last = 1; ; last++) {
      const { clock, webhooks, tenant, webhookId, queue, dying } = await setUp();
      await webhooks.addMessages(tenant, [newMessage({ webhookId }), newMessage({ webhookId })], { quietMs });
      const { dead, webhooks: first } = dying(last);

      await first.deleteWebhook(tenant, webhookId).catch(() => undefined);
      const isGone = (await webhooks.getWebhook(tenant, webhookId)) === null;
      await webhooks.createWebhook(tenant, newWebhook({ webhookId }), { most: 50 });

      const { items } = await webhooks.listMessages(tenant, webhookId, { limit: 10 });
      await clock.advance(leaseMs);
      expect({ last, messages: items.length }).toEqual({ last, messages: isGone ? 0 : 2 });
      expect(await webhooks.beginTurn(queue, 'b', turnOptions)).toBe(!isGone);
      if (!dead.isDead) break;
    }
  });
});
