import { describe, expect, it } from 'vitest';
import { deferred } from '../../testing/deferred.ts';
import { reopening } from './reopening.ts';

/** Clients that record whether they were disconnected. */
function clients() {
  const made: { disconnected: boolean; connect(): Promise<void>; disconnect(): Promise<void> }[] = [];
  const make = () => {
    const client = {
      disconnected: false,
      connect: async () => undefined,
      disconnect: async () => {
        client.disconnected = true;
      },
    };
    made.push(client);
    return client;
  };
  return { made, make };
}

const fault = new Error('fault');
const fail = async () => {
  throw fault;
};

describe('reopening clients', () => {
  it('When one of several users fails, then the next one gets a new client, and the old client disconnects after its last user', async () => {
    const { made, make } = clients();
    const client = reopening(make);
    const other = deferred<string>();

    const slow = client.use(() => other.promise);
    await expect(client.use(fail)).rejects.toBe(fault);
    await client.use(async (mine) => expect(mine).toBe(made[1]));

    expect(made.map(({ disconnected }) => disconnected)).toEqual([false, false]);
    other.resolve('done');
    expect(await slow).toBe('done');
    expect(made.map(({ disconnected }) => disconnected)).toEqual([true, false]);
  });

  it('When the client is not the cause of the failure, then it is kept', async () => {
    const { made, make } = clients();
    const client = reopening(make, (error) => error === fault);

    await expect(client.use(fail)).rejects.toBe(fault);
    await client.use(async (mine) => expect(mine).toBe(made[0]));

    expect(made).toHaveLength(1);
  });

  it('When the client cannot connect, then all waiting calls reject, and the next call connects again', async () => {
    let failures = 2;
    const { made, make } = clients();
    const client = reopening(
      () => ({ ...make(), connect: async () => (--failures >= 0 ? fail() : undefined) }),
      () => true,
    );
    const use = () => client.use(async () => 'used');

    await expect(Promise.allSettled([use(), use()])).resolves.toMatchObject([{ reason: fault }, { reason: fault }]);
    await expect(use()).rejects.toBe(fault);
    await expect(use()).resolves.toBe('used');
    expect(made).toHaveLength(3);
  });

  it('When it is closed, then its client disconnects; closing before the first use does nothing', async () => {
    const { made, make } = clients();
    const client = reopening(make);

    await client.close();
    await client.use(async () => undefined);
    await client.close();

    expect(made.map(({ disconnected }) => disconnected)).toEqual([true]);
  });
});
