import { Agent, request } from 'node:http';
import type { BareRuns } from './bare-runs.ts';
import { median, type Row } from './rows.ts';

const calls = {
  enroll: (i: number) => ({ external_id: `bench-${i}` }),
  search: () => ({}),
  recognize: () => ({}),
} as const;

/**
 * Photo to answer over HTTP, one request at a time, against the bare model runs of the same photo, which are made right
 * before and after it. Each photo is sent once to each endpoint, so no answer comes from a cache. The first `warmUp` photos do
 * not count.
 */
export async function measureLatency(
  url: string,
  photos: readonly Uint8Array[],
  bare: BareRuns,
  warmUp: number,
): Promise<Row[]> {
  const taken = Object.keys(calls).map(() => [] as number[]);
  const floors = Object.keys(calls).map(() => [] as number[]);
  const ratios = Object.keys(calls).map(() => [] as number[]);
  for (const [i, photo] of photos.entries()) {
    const runs = await bare.record(photo);
    let before = await bare.replay(runs);
    for (const [k, [name, fields]] of Object.entries(calls).entries()) {
      const answer = await timed(`${url}/api/v1/faces/${name}`, photo, fields(i));
      const after = await bare.replay(runs);
      if (i >= warmUp) {
        const floor = (before + after) / 2;
        taken[k]!.push(answer);
        floors[k]!.push(floor);
        ratios[k]!.push(answer / floor);
      }
      before = after;
    }
  }
  return Object.keys(calls).map((name, k) => ({
    section: 'latency',
    name: `${name}, one at a time`,
    value: median(taken[k]!),
    unit: 'ms',
    baseline: median(floors[k]!),
    ratio: median(ratios[k]!),
    goal: { atMost: 1.15 },
    note: 'against the bare model runs of the same photo; median of the ratios',
  }));
}

/** Milliseconds until the whole answer is here. Throws when the answer is no success other than a photo without a face. */
export async function timed(url: string, photo: Uint8Array, fields: Readonly<Record<string, string>>): Promise<number> {
  const began = performance.now();
  const { status, text } = await post(`${url}?${new URLSearchParams(fields)}`, photo);
  const spent = performance.now() - began;
  if (status >= 300 && status !== 422) throw new Error(`${url} answered ${status}: ${text.slice(0, 500)}`);
  return spent;
}

const agent = new Agent({ keepAlive: true });

/** By node:http with the photo as the raw body: fetch and forms would cost this process, on the same cores, a millisecond more. */
function post(url: string, photo: Uint8Array): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const headers = { 'content-type': 'image/jpeg', 'content-length': photo.length };
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.end(photo);
  });
}
