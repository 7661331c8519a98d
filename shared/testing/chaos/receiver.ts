import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A webhook receiver that counts the messages about each job. */
export interface HookReceiver {
  readonly url: string;
  /** By job id: the ids of its messages, and how often each message arrived. */
  readonly delivered: ReadonlyMap<string, ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** `refuses`: whether the first delivery of a message gets the response 500. */
export async function openHookReceiver(refuses: () => boolean): Promise<HookReceiver> {
  const delivered = new Map<string, Map<string, number>>();
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
      const ids = delivered.get(data.job_id) ?? new Map<string, number>();
      ids.set(id, (ids.get(id) ?? 0) + 1);
      delivered.set(data.job_id, ids);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    delivered,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
