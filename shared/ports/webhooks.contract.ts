import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { newTenant } from '../testing/record-factories.ts';
import { newMessage, newWebhook } from '../testing/webhook-factories.ts';
import type { Tenant } from './tenant.ts';
import type { Webhooks } from './webhooks.ts';

export interface WebhooksSubject {
  readonly webhooks: Webhooks;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Webhooks>;
}

const quietMs = 30_000;
const leaseMs = 45_000;
const most = 50;
const turnOptions = { leaseMs, mostOfTenant: 40 };

/** Every promise of `Webhooks`. `open` returns a store and closes it when the test ends; it may contain data of other tenants. */
export function webhooksContract({
  name,
  open,
}: {
  name: string;
  open: (clock: FakeClock) => Promise<WebhooksSubject>;
}) {
  const setUp = async () => {
    const clock = fakeClock();
    return { clock, tenant: newTenant(), ...(await open(clock)) };
  };
  const setUpWebhook = async () => {
    const subject = await setUp();
    const webhook = await subject.webhooks.createWebhook(subject.tenant, newWebhook(), { most });
    const { webhookId } = webhook;
    const queue = { tenant: subject.tenant, queue: webhookId };
    const add = (...messages: ReturnType<typeof newMessage>[]) =>
      subject.webhooks.addMessages(subject.tenant, messages, { quietMs });
    return { ...subject, webhook, webhookId, queue, add };
  };

  describe(`${name}: webhooks`, () => {
    it('When a webhook is created twice, then it exists once, with all fields, only for its tenant', async () => {
      const { webhooks, tenant, clock } = await setUp();
      const { secret, ...wanted } = newWebhook();

      const created = await webhooks.createWebhook(tenant, { ...wanted, secret }, { most });
      const again = await webhooks.createWebhook(tenant, { ...wanted, secret: 'other' }, { most });

      const at = clock.now();
      expect(created).toEqual({
        ...wanted,
        secrets: [{ secret, createdAt: at, expiresAt: null }],
        disabled: null,
        createdAt: at,
        updatedAt: at,
        version: 1,
      });
      expect(again).toEqual(created);
      expect(await webhooks.getWebhook(tenant, wanted.webhookId)).toEqual(created);
      expect(await webhooks.getWebhook(newTenant(), wanted.webhookId)).toBeNull();
    });

    it('When a tenant has the maximum number of webhooks, then the next one is refused', async () => {
      const { webhooks, tenant } = await setUp();
      await Promise.all([1, 2].map(() => webhooks.createWebhook(tenant, newWebhook(), { most: 2 })));

      await expect(webhooks.createWebhook(tenant, newWebhook(), { most: 2 })).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
      });
    });

    it('When webhooks are listed in pages, then each is returned once, oldest first, and a token is valid for its tenant only', async () => {
      const { webhooks, tenant } = await setUp();
      const ids = [];
      for (let i = 0; i < 5; i++) ids.push((await webhooks.createWebhook(tenant, newWebhook(), { most })).webhookId);

      const first = await webhooks.listWebhooks(tenant, { limit: 3 });
      const second = await webhooks.listWebhooks(tenant, { limit: 3, after: first.next! });

      expect([...first.items, ...second.items].map(({ webhookId }) => webhookId)).toEqual(ids);
      expect(second.next).toBeNull();
      await expect(webhooks.listWebhooks(newTenant(), { limit: 3, after: first.next! })).rejects.toMatchObject({
        code: 'PAGE_TOKEN_INVALID',
      });
    });

    it('When the webhooks of a type are read, then only enabled ones that subscribe to it are returned', async () => {
      const { webhooks, tenant } = await setUp();
      const make = (fields: object) => webhooks.createWebhook(tenant, newWebhook(fields), { most });
      const persons = await make({ types: ['person.created', 'person.erased'] });
      await make({ types: ['face.enrolled'] });
      const disabled = await make({ types: ['person.created'] });
      await webhooks.updateWebhook(tenant, disabled.webhookId, { disabled: 'asked' });

      expect(await webhooks.webhooksFor(tenant, 'person.created')).toEqual([persons]);
      expect(await webhooks.webhooksFor(newTenant(), 'person.created')).toEqual([]);
    });

    it('When a webhook is changed, then the given fields change, and the version grows only if one of them differs', async () => {
      const { webhooks, tenant, webhook, webhookId } = await setUpWebhook();

      const changed = await webhooks.updateWebhook(tenant, webhookId, { url: 'https://new.example/' }, { version: 1 });
      const same = await webhooks.updateWebhook(tenant, webhookId, { url: 'https://new.example/' });

      expect(changed).toEqual({ ...webhook, url: 'https://new.example/', version: 2 });
      expect(same).toEqual(changed);
      await expect(webhooks.updateWebhook(tenant, webhookId, { url: null }, { version: 1 })).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
      });
      await expect(webhooks.updateWebhook(tenant, randomUUID(), {})).rejects.toMatchObject({
        code: 'WEBHOOK_NOT_FOUND',
      });
    });

    it('When secrets are rotated, then earlier ones expire, only the newest are kept, and no expiry moves to a later time', async () => {
      const { webhooks, tenant, webhookId, webhook, clock } = await setUpWebhook();
      const at = clock.now();
      const rotate = (secret: string, hours: number) =>
        webhooks.rotateSecret(tenant, webhookId, secret, { previousUntil: at + hours, most: 3 });

      const second = await rotate('two', 24);
      const third = await rotate('three', 48);
      const fourth = await rotate('four', 12);

      const shape = (given: typeof second) => given.secrets.map(({ secret, expiresAt }) => [secret, expiresAt]);
      const one = webhook.secrets[0]!.secret;
      expect(shape(second)).toEqual([
        ['two', null],
        [one, at + 24],
      ]);
      expect(shape(third)).toEqual([
        ['three', null],
        ['two', at + 48],
        [one, at + 24],
      ]);
      expect(shape(fourth)).toEqual([
        ['four', null],
        ['three', at + 12],
        ['two', at + 12],
      ]);
      expect(shape(await rotate('five', 0))).toEqual([['five', null]]);
    });
  });

  describe(`${name}: messages`, () => {
    it('When one message is added ten times at once, then it is stored once, and a worker is called once', async () => {
      const { webhooks, tenant, webhookId, add, clock } = await setUpWebhook();
      const message = newMessage({ webhookId });

      const called = await Promise.all(Array.from({ length: 10 }, () => add(message)));

      expect(called.flat()).toEqual([webhookId]);
      const { items } = await webhooks.listMessages(tenant, webhookId, { limit: 10 });
      expect([await webhooks.getMessage(tenant, message.messageId)]).toEqual(items);
      expect(await webhooks.getMessage(newTenant(), message.messageId)).toBeNull();
      const at = clock.now();
      expect(items).toEqual([
        { ...message, status: 'pending', acceptedAt: at, scheduledAt: at, dueAt: at, tries: 0, attempts: [] },
      ]);
    });

    it('When a webhook does not exist, then its messages are dropped', async () => {
      const { webhooks, tenant } = await setUp();

      expect(await webhooks.addMessages(tenant, [newMessage({ webhookId: randomUUID() })], { quietMs })).toEqual([]);
      await expect(webhooks.listMessages(tenant, randomUUID(), { limit: 1 })).rejects.toMatchObject({
        code: 'WEBHOOK_NOT_FOUND',
      });
    });

    it('When a message has attempts, then the listing has them, and can be filtered by status', async () => {
      const { webhooks, tenant, webhookId, add, clock } = await setUpWebhook();
      const [first, second] = [newMessage({ webhookId }), newMessage({ webhookId })];
      await add(first, second);
      const attempt = { at: clock.now(), status: 500, durationMs: 12, error: 'answered 500' };

      await webhooks.settle(tenant, first.messageId, attempt, { status: 'pending', dueAt: clock.now() + 5 });
      await webhooks.settle(tenant, first.messageId, { ...attempt, status: null }, { status: 'dead' });
      await webhooks.settle(tenant, randomUUID(), attempt, { status: 'dead' });

      const dead = await webhooks.listMessages(tenant, webhookId, { limit: 10, status: 'dead' });
      expect(dead.items).toMatchObject([
        {
          messageId: first.messageId,
          dueAt: null,
          tries: 2,
          attempts: [
            { number: 1, ...attempt },
            { number: 2, ...attempt, status: null },
          ],
        },
      ]);
      const pages = await webhooks.listMessages(tenant, webhookId, { limit: 1 });
      const rest = await webhooks.listMessages(tenant, webhookId, { limit: 1, after: pages.next! });
      expect([...pages.items, ...rest.items].map(({ messageId }) => messageId)).toEqual([
        second.messageId,
        first.messageId,
      ]);
    });

    it('When a message is redelivered, then it starts again, and a worker is called for its queue', async () => {
      const { webhooks, tenant, webhookId, clock } = await setUpWebhook();
      const message = newMessage({ webhookId });
      const attempt = { at: clock.now(), status: 500, durationMs: 1, error: 'answered 500' };
      await webhooks.addTried(tenant, message, attempt, { status: 'dead' });
      await clock.advance(1000);

      const again = await webhooks.redeliver(tenant, webhookId, message.messageId, { quietMs });
      const twice = await webhooks.redeliver(tenant, webhookId, message.messageId, { quietMs });

      expect(again).toMatchObject({
        call: true,
        message: {
          status: 'pending',
          scheduledAt: clock.now(),
          dueAt: clock.now(),
          tries: 0,
          attempts: [{ number: 1 }],
        },
      });
      expect(twice.call).toBe(false);
      const other = await webhooks.createWebhook(tenant, newWebhook(), { most });
      for (const [id, messageId] of [
        [other.webhookId, message.messageId],
        [webhookId, randomUUID()],
      ] as const) {
        await expect(webhooks.redeliver(tenant, id, messageId, { quietMs })).rejects.toMatchObject({
          code: 'DELIVERY_NOT_FOUND',
        });
      }
    });

    it('When messages are too old, then pending ones become dead, and finished ones are removed', async () => {
      const { webhooks, tenant, webhookId, queue, add, clock } = await setUpWebhook();
      const [waiting, done] = [newMessage({ webhookId }), newMessage({ webhookId })];
      // Messages of other tenants would be counted too.
      const far = Date.UTC(2100, 0, 1);
      await webhooks.clearAway({ giveUpBefore: far, removeBefore: far });
      await add(waiting, done);
      await webhooks.settle(tenant, done.messageId, null, { status: 'delivered' });
      await clock.advance(1000);
      const statuses = async () =>
        (await webhooks.listMessages(tenant, webhookId, { limit: 9 })).items.map(({ status }) => status);

      const nothing = await webhooks.clearAway({ giveUpBefore: clock.now() - 1000, removeBefore: clock.now() - 1000 });
      const first = await webhooks.clearAway({ giveUpBefore: clock.now(), removeBefore: 0 });
      const late = await statuses();
      const second = await webhooks.clearAway({ giveUpBefore: 0, removeBefore: clock.now() });

      expect([nothing, first, second]).toEqual([
        { givenUp: 0, removed: 0 },
        { givenUp: 1, removed: 0 },
        { givenUp: 0, removed: 2 },
      ]);
      expect([late, await statuses()]).toEqual([['delivered', 'dead'], []]);
      expect(await webhooks.beginTurn(queue, 'a', turnOptions)).toBe(false);
    });

    it('When a webhook is deleted, then its messages and its queue are deleted too', async () => {
      const { webhooks, tenant, webhookId, queue, add } = await setUpWebhook();
      await add(newMessage({ webhookId }));

      expect(await webhooks.deleteWebhook(tenant, webhookId)).toBe(true);

      expect(await webhooks.deleteWebhook(tenant, webhookId)).toBe(false);
      expect(await webhooks.getWebhook(tenant, webhookId)).toBeNull();
      expect(await webhooks.beginTurn(queue, 'a', turnOptions)).toBe(false);
      expect(await webhooks.pending()).toMatchObject({ messages: expect.any(Number) });
    });
  });

  describe(`${name}: turns`, () => {
    it('When several workers want the turn of a queue, then one has it, and receives the due messages in order', async () => {
      const { webhooks, webhook, webhookId, queue, add } = await setUpWebhook();
      const [first, second] = [newMessage({ webhookId }), newMessage({ webhookId })];
      await add(first, second);

      const got = await Promise.all(['a', 'b', 'c'].map((turn) => webhooks.beginTurn(queue, turn, turnOptions)));
      const next = await webhooks.nextMessage(queue, 'a', { leaseMs });
      await webhooks.settle(queue.tenant, first.messageId, null, { status: 'delivered' });

      expect(got).toEqual([true, false, false]);
      expect(next).toMatchObject({ message: { messageId: first.messageId }, webhook });
      expect(await webhooks.nextMessage(queue, 'b', { leaseMs })).toBeNull();
      expect((await webhooks.nextMessage(queue, 'a', { leaseMs }))?.message.messageId).toBe(second.messageId);
    });

    it('When a message is added during a turn, then the end of the turn calls for the next turn', async () => {
      const { webhooks, webhookId, queue, add } = await setUpWebhook();
      await add(newMessage({ webhookId }));
      await webhooks.beginTurn(queue, 'a', turnOptions);

      const meanwhile = await add(newMessage({ webhookId }));
      const again = await webhooks.endTurn(queue, 'a', { quietMs });

      expect([meanwhile, again]).toEqual([[], true]);
      expect(await webhooks.endTurn(queue, 'a', { quietMs })).toBe(false);
      expect(await webhooks.callDue({ limit: 1000, quietMs })).not.toContainEqual(queue);
    });

    it('When no message is left, then the end of the turn calls no worker, and the next message does', async () => {
      const { webhooks, webhookId, queue, add, tenant } = await setUpWebhook();
      const message = newMessage({ webhookId });
      await add(message);
      await webhooks.beginTurn(queue, 'a', turnOptions);
      await webhooks.settle(tenant, message.messageId, null, { status: 'delivered' });

      expect(await webhooks.nextMessage(queue, 'a', { leaseMs })).toBeNull();
      expect(await webhooks.endTurn(queue, 'a', { quietMs })).toBe(false);
      expect(await add(newMessage({ webhookId }))).toEqual([webhookId]);
    });

    it('When a message becomes due later, then the next check calls a worker for it, once', async () => {
      const { webhooks, webhookId, queue, add, tenant, clock } = await setUpWebhook();
      const message = newMessage({ webhookId });
      await add(message);
      await webhooks.beginTurn(queue, 'a', turnOptions);
      await webhooks.settle(tenant, message.messageId, null, { status: 'pending', dueAt: clock.now() + 5000 });
      const ended = await webhooks.endTurn(queue, 'a', { quietMs });
      const look = async () =>
        (await webhooks.callDue({ limit: 1000, quietMs })).filter((each) => each.tenant === tenant);

      const early = await look();
      await clock.advance(5000);
      const due = await look();
      const again = await look();
      await clock.advance(quietMs);

      expect([ended, early, due, again, await look()]).toEqual([false, [], [queue], [], [queue]]);
    });

    it('When a queue rests, then no worker is called for it until the rest is over', async () => {
      const { webhooks, webhookId, queue, add, tenant, clock } = await setUpWebhook();
      await add(newMessage({ webhookId }));
      await webhooks.beginTurn(queue, 'a', turnOptions);
      const look = async () =>
        (await webhooks.callDue({ limit: 1000, quietMs })).filter((each) => each.tenant === tenant);

      const ended = await webhooks.endTurn(queue, 'a', { restUntil: clock.now() + 60_000, quietMs });

      expect([ended, await add(newMessage({ webhookId })), await look()]).toEqual([false, [], []]);
      expect(await webhooks.beginTurn(queue, 'b', turnOptions)).toBe(false);
      await clock.advance(60_000);
      expect(await look()).toEqual([queue]);
    });

    it('When a process dies during its turn, then another process gets the turn after the lease, and the old turn is lost', async () => {
      const { webhooks, webhookId, queue, add, clock, reopen } = await setUpWebhook();
      await add(newMessage({ webhookId }));
      await webhooks.beginTurn(queue, 'a', turnOptions);
      const again = await reopen();

      const early = await again.beginTurn(queue, 'b', turnOptions);
      await clock.advance(leaseMs);
      const due = (await again.callDue({ limit: 1000, quietMs })).filter(({ tenant }) => tenant === queue.tenant);
      const late = await again.beginTurn(queue, 'b', turnOptions);

      expect([early, due, late]).toEqual([false, [queue], true]);
      expect(await again.nextMessage(queue, 'a', { leaseMs })).toBeNull();
      expect(await again.endTurn(queue, 'a', { quietMs })).toBe(false);
      expect(await again.nextMessage(queue, 'b', { leaseMs })).not.toBeNull();
    });

    it('When a worker continues its turn, then the lease is renewed', async () => {
      const { webhooks, webhookId, queue, add, clock } = await setUpWebhook();
      await add(newMessage({ webhookId }));
      await webhooks.beginTurn(queue, 'a', turnOptions);

      await clock.advance(leaseMs - 1);
      await webhooks.nextMessage(queue, 'a', { leaseMs });
      await clock.advance(leaseMs - 1);

      expect(await webhooks.beginTurn(queue, 'b', turnOptions)).toBe(false);
    });

    it('When a tenant has its maximum number of turns, then its next queue waits, and other tenants do not', async () => {
      const { webhooks, tenant } = await setUp();
      const few = { leaseMs, mostOfTenant: 2 };
      const queueOf = async (owner: Tenant) => {
        const { webhookId } = await webhooks.createWebhook(owner, newWebhook(), { most });
        await webhooks.addMessages(owner, [newMessage({ webhookId })], { quietMs });
        return { tenant: owner, queue: webhookId };
      };
      const [first, second, third] = [await queueOf(tenant), await queueOf(tenant), await queueOf(tenant)];
      const other = await queueOf(newTenant());

      const got = [];
      for (const queue of [first, second, third, other]) got.push(await webhooks.beginTurn(queue, 'a', few));

      expect(got).toEqual([true, true, false, true]);
      expect(await webhooks.callDue({ limit: 1000, quietMs })).toContainEqual(third);
      await webhooks.endTurn(first, 'a', { quietMs });
      expect(await webhooks.beginTurn(third, 'a', few)).toBe(true);
    });
  });

  it(`${name}: When the store is closed, then calls are refused`, async () => {
    const { webhooks, tenant } = await setUp();

    await webhooks.close();

    await expect(webhooks.getWebhook(tenant, 'x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
}
