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
  /** Where the repository is. */
  readonly root: string;
  readonly say?: ((line: string) => void) | undefined;
  /** false: webhooks take every message, and their store never fails, so that none waits minutes for its next attempt. Default true. */
  readonly hookFaults?: boolean | undefined;
  /** Default embedded. Distributed: on a part of its own of the engines that the environment names. */
  readonly mode?: 'embedded' | 'distributed' | undefined;
  /** How often one of Kafka, ScyllaDB and the store of images is killed and started again; needs FREEFACE_SERVERS. Default 0. */
  readonly serverKills?: number | undefined;
}

export interface ChaosReport extends ChaosCheck {
  readonly events: number;
  readonly kills: number;
  /** Answers to enrolments that were no 202, and calls that got none. */
  readonly resent: number;
  /** Dead letters that were replayed, by the answers of the API. */
  readonly replayed: number;
  readonly seconds: number;
  readonly restarts: number;
  /** How often each server was killed. */
  readonly serverKills: Readonly<Record<string, number>>;
}

/** Enrolments sent at once. */
const senders = 24;

/** How often what happens to the platform. */
const rates = { failing: 0.01, slow: 0.02, duplicated: 0.1, latencyMs: 12 };
/** Messages that the receiver of webhooks refuses at first, of all. */
const refusedHooks = 0.005;

/**
 * [Note: The chaos test]
 * A platform in a process of its own accepts enrolments of all priorities while it is killed at random moments, its stores fail and
 * are slow, and its events come up to ten times and out of order. Photos are sent, or lie in the watched folder (in distributed mode the
 * bucket), where files are replaced and deleted before, while and after they are seen to; batches enrol files once more, for somebody; jobs
 * are cancelled, dead letters replayed. Whoever sends repeats until the answer is a success, as a client would, so that a photo may be
 * accepted twice.
 *
 * In the end every accepted job is a face, a dead letter or cancelled as was asked; of every file the last version is enrolled and
 * nothing of those before is left; no face is there twice, every end of a job was told to the webhook under one id, and what the API counts
 * is what is found in the stores. The same seed makes the same choices; when the process is killed is up to the machine.
 *
 * In distributed mode the servers are real, and are killed one after the other while all this goes on: a server that is down for a
 * while, a platform that does not start meanwhile, requests in the middle of either.
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
    // The last third of the kills falls on a platform that only works off what it has accepted.
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
          say(`${done} sent, ${child.kills()} kills, ${receiver.told.size} jobs told`);
      }
    };
    await Promise.all(Array.from({ length: senders }, sender));
    say(`all ${events} sent after ${seconds(begun)} s and ${child.kills()} kills`);
    for (const _ of killServerAt.splice(0)) servers.killNext();
    for (const _ of killAt.splice(0)) await child.kill(500 + random() * 2000);
    await servers.settled();
    child.letLive();
    const deliveries = `/api/v1/webhooks/${hook.answer.json.data.webhook_id}/deliveries`;
    const idle = () =>
      untilIdle(api, {
        told: receiver.told,
        files: sent.files,
        say,
        isToTell: async () => {
          const { answer } = await api.insist('GET', `${deliveries}?status=pending&limit=1`);
          return answer.json.data.deliveries.length > 0;
        },
      });
    await idle();
    // However slow the platform was until here, some are replayed.
    await replayNewest({ api, files, sent, seed });
    await idle();
    const openStores = () => (engines === null ? storesIn(dataDir) : openOwnStores(engines));
    const check = await checkChaos({ ...sent, receiver, api, child, openStores });
    const killed = { kills: child.kills(), restarts: child.restarts(), serverKills: servers.kills() };
    const { replayed, resent } = sent;
    return { events, ...killed, resent, replayed, seconds: seconds(begun), ...check };
  } finally {
    // What is left behind says nothing about the platform.
    const leave = (error: unknown) => say(`not everything could be removed: ${error}`);
    await servers.settled().catch(leave);
    await child.stop();
    await files.dispose().catch(leave);
    await engines?.dispose().catch(leave);
    await receiver.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const seconds = (begun: number): number => Math.round((performance.now() - begun) / 100) / 10;
