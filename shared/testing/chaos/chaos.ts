import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOwnStores, prepareEngines } from '../own-engines.ts';
import { seededRandom } from '../vector-factories.ts';
import { clientOf, untilIdle } from './api.ts';
import { type ChaosCheck, checkChaos, storesIn } from './check.ts';
import { superviseChild } from './child.ts';
import { bucketFiles, watchedFiles } from './files.ts';
import { chaosPlan, photosOf } from './plan.ts';
import { openHookReceiver } from './receiver.ts';
import { serverKiller } from './servers.ts';
import { emptyRecord, replayNewest, take } from './steps.ts';

export interface ChaosOptions {
  readonly events: number;
  readonly kills: number;
  readonly seed: number;
  /** Folder of the repository. */
  readonly root: string;
  readonly say?: ((line: string) => void) | undefined;
  /** false: the receiver accepts every message and the webhook store never fails, so no message waits minutes for a retry. Default true. */
  readonly hookFaults?: boolean | undefined;
  /** Default embedded. Distributed mode uses its own keyspace, bucket, topics and collections on the engines in the environment. */
  readonly mode?: 'embedded' | 'distributed' | undefined;
  /** How often Kafka, ScyllaDB or the image store is killed and started again; needs FREEFACE_SERVERS. Default 0. */
  readonly serverKills?: number | undefined;
}

export interface ChaosReport extends ChaosCheck {
  readonly events: number;
  readonly kills: number;
  /** Enrolment requests that were repeated: the response was no success, or there was none. */
  readonly resent: number;
  /** Replayed dead letters, according to the API. */
  readonly replayed: number;
  readonly seconds: number;
  readonly restarts: number;
  /** How often each server was killed. */
  readonly serverKills: Readonly<Record<string, number>>;
}

/** Clients that send at the same time. */
const senders = 24;

/** Rates of faults, and the mean time of an extraction in milliseconds. */
const rates = { failing: 0.01, slow: 0.02, duplicated: 0.1, latencyMs: 12 };
/** Share of messages whose first delivery the webhook receiver refuses. */
const refusedHooks = 0.005;

/**
 * [Note: The chaos test]
 * A platform in a separate process accepts enrolments of all priorities. Meanwhile it is killed at random moments, its stores fail and
 * are slow, and its events arrive up to ten times and out of order. Clients send photos, and write files to the watched folder (in
 * distributed mode the bucket); files are replaced and deleted before, while and after the platform processes them. Batches enrol files
 * again for named persons; jobs are cancelled; dead letters are replayed. Each client repeats a request until the response is a
 * success, so the platform may accept a photo twice.
 *
 * At the end, every accepted job has become a face or a dead letter, or a client has cancelled it. The last version of every file is
 * enrolled, and no data of earlier versions is left. No face is stored twice. The webhook has received every end of a job under one
 * id. The counts of the API equal the counts in the stores. The same seed makes the same choices, but the machine's speed decides when a kill happens.
 *
 * In distributed mode the servers are real. The test kills them one after another: a server is down for a while, the platform cannot
 * start meanwhile, and requests are interrupted.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { events, kills, seed, root, say = () => undefined, hookFaults = true, mode = 'embedded' } = options;
  const begun = performance.now();
  const random = seededRandom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'freeface-chaos-'));
  const receiver = await openHookReceiver(() => hookFaults && random() < refusedHooks);
  const engines = mode === 'embedded' ? null : await prepareEngines();
  const files = engines === null ? watchedFiles() : await bucketFiles(engines);
  const { settings } = files;
  const child = await superviseChild({ dataDir, seed, root, rates: { ...rates, hookFaults }, engines, settings });
  const servers = serverKiller(random, say);
  try {
    const api = clientOf(child);
    const hook = await api.insist('POST', '/api/v1/webhooks', {
      json: { url: receiver.url, event_types: ['job.completed', 'job.failed'] },
      headers: { 'idempotency-key': 'chaos-webhook' },
    });
    const plan = chaosPlan(events, seed);
    // About a quarter of the kills happens after all photos are sent, while the platform works through its queue.
    const moments = (count: number) =>
      Array.from({ length: count }, () => Math.floor(random() * events * 1.3)).toSorted((a, b) => a - b);
    const killAt = moments(kills);
    const killServerAt = moments(options.serverKills ?? 0);
    const sent = emptyRecord();
    let done = 0;
    let next = 0;
    const sender = async () => {
      for (let step = plan[next++]; step !== undefined; step = plan[next++]) {
        await take(step, { api, files, sent, seed });
        const before = done;
        done += photosOf(step);
        while (killServerAt.length > 0 && killServerAt[0]! <= done) {
          killServerAt.shift();
          servers.killNext();
        }
        while (killAt.length > 0 && killAt[0]! <= done) {
          killAt.shift();
          await child.kill(random() * 300);
        }
        if (Math.floor(done / 1000) > Math.floor(before / 1000))
          say(`${done} sent, ${child.kills()} kills, ${receiver.delivered.size} jobs delivered`);
      }
    };
    await Promise.all(Array.from({ length: senders }, sender));
    say(`all ${events} sent after ${seconds(begun)} s and ${child.kills()} kills`);
    for (const _ of killServerAt.splice(0)) servers.killNext();
    for (const _ of killAt.splice(0)) await child.kill(500 + random() * 2000);
    await servers.settled();
    child.letLive();
    const deliveriesPath = `/api/v1/webhooks/${hook.answer.json.data.webhook_id}/deliveries`;
    const idle = () =>
      untilIdle(api, {
        delivered: receiver.delivered,
        files: sent.files,
        say,
        hasPending: async () => {
          const { answer } = await api.insist('GET', `${deliveriesPath}?status=pending&limit=1`);
          return answer.json.data.deliveries.length > 0;
        },
      });
    await idle();
    // Replay once more here, so that a slow platform also replays some dead letters.
    await replayNewest({ api, files, sent, seed });
    await idle();
    const openStores = () => (engines === null ? storesIn(dataDir) : openOwnStores(engines));
    const check = await checkChaos({ ...sent, receiver, api, child, openStores });
    const killed = { kills: child.kills(), restarts: child.restarts(), serverKills: servers.kills() };
    const { replayed, resent } = sent;
    return { events, ...killed, resent, replayed, seconds: seconds(begun), ...check };
  } finally {
    // A failed clean-up says nothing about the platform.
    const leave = (error: unknown) => say(`the clean-up failed: ${error}`);
    await servers.settled().catch(leave);
    await child.stop();
    await files.dispose().catch(leave);
    await engines?.dispose().catch(leave);
    await receiver.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const seconds = (begun: number): number => Math.round((performance.now() - begun) / 100) / 10;
