export interface Reopening<Client> {
  use<Value>(work: (client: Client) => Promise<Value>): Promise<Value>;
  /** Disconnects at once; running work of other callers fails. */
  close(): Promise<void>;
}

/**
 * A client that connects on first use. When `work` fails, the next use gets a new client, unless `keeps` returns true for the error: then
 * the client is not the cause. The old client is disconnected when its last user is done.
 */
export function reopening<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
  make: () => Client,
  keeps: (error: unknown) => boolean = () => false,
): Reopening<Client> {
  let current: Opened<Client> | undefined;
  const retire = (opened: Opened<Client>): void => {
    if (current === opened) current = undefined;
    opened.isRetired = true;
    if (opened.users === 0) opened.client.disconnect().catch(() => undefined);
  };
  const open = (): Opened<Client> => {
    const client = make();
    return { client, connected: client.connect(), users: 0, isRetired: false };
  };
  return {
    async use(work) {
      current ??= open();
      const mine = current;
      mine.users++;
      let isFaulty = true;
      try {
        await mine.connected;
        const value = await work(mine.client).catch((error: unknown) => {
          isFaulty = !keeps(error);
          throw error;
        });
        isFaulty = false;
        return value;
      } finally {
        mine.users--;
        if (isFaulty || mine.isRetired) retire(mine);
      }
    },
    async close() {
      const last = current;
      current = undefined;
      await last?.connected.catch(() => undefined);
      await last?.client.disconnect().catch(() => undefined);
    },
  };
}

interface Opened<Client> {
  readonly client: Client;
  readonly connected: Promise<void>;
  users: number;
  isRetired: boolean;
}
