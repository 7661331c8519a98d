export interface Reopening<Client> {
  use<Value>(work: (client: Client) => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

/** A client that is connected on first use. After `work` has failed the next use gets a new one, unless `keeps` says that it is none of the client's. */
export function reopening<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
  make: () => Client,
  keeps: (error: unknown) => boolean = () => false,
): Reopening<Client> {
  let opening: Promise<Client> | undefined;
  const letGo = (mine: Promise<Client>, client: Client): void => {
    if (opening !== mine) return;
    opening = undefined;
    client.disconnect().catch(() => undefined);
  };
  const open = (): Promise<Client> => {
    if (opening !== undefined) return opening;
    const client = make();
    const mine: Promise<Client> = client.connect().then(
      () => client,
      (error: unknown) => {
        letGo(mine, client);
        throw error;
      },
    );
    opening = mine;
    return mine;
  };
  return {
    async use(work) {
      const mine = open();
      const client = await mine;
      try {
        return await work(client);
      } catch (error) {
        if (!keeps(error)) letGo(mine, client);
        throw error;
      }
    },
    async close() {
      const client = await opening?.catch(() => undefined);
      opening = undefined;
      await client?.disconnect().catch(() => undefined);
    },
  };
}
