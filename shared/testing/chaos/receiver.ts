import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook's receiver that keeps which ids told of which job. */
export interface HookReceiver {
  readonly url: string;
  /** Jobs that were told of at least once, with the ids of the messages and how often they came. */
  readonly told: ReadonlyMap<string, ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** `refuses`: whether a message that comes for the first time is answered 500. */
export async function openHookReceiver(refuses: () => boolean): Promise<HookReceiver> {
  const told = new Map<string, Map<string, number>>();
  const refused = new Set<string>();
  const server = createServer((request, response) => {
    const id = String(request.headers['webhook-id']);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!refused.has(id) && refuses()) {
        refused.add(id);
        response.writeHead(500).end();
        return;
      }
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { job_id: string } };
      const ids = told.get(data.job_id) ?? new Map<string, number>();
      ids.set(id, (ids.get(id) ?? 0) + 1);
      told.set(data.job_id, ids);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    told,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
