import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { priorities } from '../domain/priority.ts';
import { type ChaosCheck, checkChaos, storesIn } from './chaos-check.ts';
import { type ChaosChild, superviseChild } from './chaos-child.ts';
import { openHookReceiver } from './chaos-receiver.ts';
import { serverKiller } from './chaos-servers.ts';
import { fakePhoto, type PhotoKind } from './fake-extractor.ts';
import { openOwnStores, prepareEngines } from './own-engines.ts';
import { type Answer, type CallOptions, send } from './send.ts';
import { seededRandom } from './vector-factories.ts';

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
  /** Answers that were no 202, and calls that got none. */
  readonly resent: number;
  readonly seconds: number;
  readonly restarts: number;
  /** How often each server was killed. */
  readonly serverKills: Readonly<Record<string, number>>;
}

/** Enrolments sent at once. */
const senders = 24;

/** How often what happens. */
const rates = {
  failing: 0.01,
  slow: 0.02,
  duplicated: 0.1,
  latencyMs: 12,
  nobody: 0.01,
  damaged: 0.01,
  refusedHooks: 0.005,
};

/**
 * [Note: The chaos test]
 * A platform in a process of its own accepts enrolments of all priorities while it is killed at random moments, its stores fail and
 * are slow, and its events come up to ten times and out of order. Whoever sends repeats until a 202 comes, as a client would, so that a photo may
 * be accepted twice. In the end every accepted one is either a face or a dead letter, no face is there twice, every end of a job
 * was told to the webhook under one id, and what the API counts is what is found in the stores. The same seed makes the same
 * choices; when the process is killed is up to the machine.
 *
 * In distributed mode the servers are real, and are killed one after the other while all this goes on: a server that is down for a
 * while, a platform that does not start meanwhile, requests in the middle of either.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { events, kills, seed, root, say = () => undefined, hookFaults = true, mode = 'embedded' } = options;
  const begun = performance.now();
  const random = seededRandom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'freeface-chaos-'));
  const receiver = await openHookReceiver(() => hookFaults && random() < rates.refusedHooks);
  const engines = mode === 'embedded' ? null : await prepareEngines();
  const child = await superviseChild({ dataDir, seed, root, rates: { ...rates, hookFaults }, engines });
  const servers = serverKiller(random, say);
  try {
    const api = clientOf(child);
    const hook = await api.insist('POST', '/api/v1/webhooks', {
      json: { url: receiver.url, event_types: ['job.completed', 'job.failed'] },
      headers: { 'idempotency-key': 'chaos-webhook' },
    });
    const plan = Array.from({ length: events }, (_, n) => planned(n, random));
    // The last third of the kills falls on a platform that only works off what it has accepted.
    const moments = (count: number) =>
      Array.from({ length: count }, () => Math.floor(random() * events * 1.3)).toSorted((a, b) => a - b);
    const killAt = moments(kills);
    const killServerAt = moments(options.serverKills ?? 0);
    const accepted = new Map<number, { jobId: string; faceId: string }>();
    let resent = 0;
    let next = 0;
    const sender = async () => {
      for (let n = next++; n < events; n = next++) {
        const { answer, tries } = await api.insist('POST', '/api/v1/faces/enroll_async', {
          ...plan[n]!.request,
          headers: { 'idempotency-key': `chaos-${seed}-${n}` },
        });
        resent += tries - 1;
        accepted.set(n, { jobId: answer.json.data.job_id, faceId: answer.json.data.face_id });
        while (killServerAt.length > 0 && killServerAt[0]! <= accepted.size) {
          killServerAt.shift();
          servers.killNext();
        }
        while (killAt.length > 0 && killAt[0]! <= accepted.size) {
          killAt.shift();
          await child.kill(random() * 300);
        }
        if (accepted.size % 1000 === 0)
          say(`${accepted.size} accepted, ${child.kills()} kills, ${receiver.jobs()} jobs told`);
      }
    };
    await Promise.all(Array.from({ length: senders }, sender));
    say(`all ${events} accepted after ${seconds(begun)} s and ${child.kills()} kills`);
    for (const _ of killServerAt.splice(0)) servers.killNext();
    for (const _ of killAt.splice(0)) await child.kill(500 + random() * 2000);
    await servers.settled();
    child.letLive();
    const deliveries = `/api/v1/webhooks/${hook.answer.json.data.webhook_id}/deliveries`;
    await untilIdle(
      api,
      () => receiver.jobs(),
      say,
      async () => {
        const { answer } = await api.insist('GET', `${deliveries}?status=pending&limit=1`);
        return answer.json.data.deliveries.length > 0;
      },
    );
    const openStores = () => (engines === null ? storesIn(dataDir) : openOwnStores(engines));
    const check = await checkChaos({ plan, accepted, receiver, api, child, openStores });
    const killed = { kills: child.kills(), restarts: child.restarts(), serverKills: servers.kills() };
    return { events, ...killed, resent, seconds: seconds(begun), ...check };
  } finally {
    await servers.settled();
    await child.stop();
    // What is left behind says nothing about the platform.
    await engines?.dispose().catch((error: unknown) => say(`not everything could be removed: ${error}`));
    await receiver.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

export interface PlannedEnrolment {
  readonly kind: PhotoKind;
  readonly request: CallOptions;
}

function planned(n: number, random: () => number): PlannedEnrolment {
  const draw = random();
  const kind = draw < rates.nobody ? 'nobody' : draw < rates.nobody + rates.damaged ? 'damaged' : 'face';
  const priority = priorities[Math.floor(random() * priorities.length)]!;
  // Some meet on one person, some are nobody in particular.
  const person = random();
  const query = new URLSearchParams({ priority });
  if (person < 0.6) query.set('external_id', `person-${Math.floor(random() * 500)}`);
  else if (person < 0.8) query.set('person_id', `p${n % 300}`);
  const form = { ...Object.fromEntries(query), image: fakePhoto(n, kind) };
  return { kind, request: { form } };
}

export interface ChaosApi {
  /** Calls until the answer is a success, as a client that wants it done. */
  insist(method: string, path: string, options?: CallOptions): Promise<{ answer: Answer; tries: number }>;
}

/** A client that repeats its calls until they succeed, whoever has to be started again for it. */
export function clientOf(child: ChaosChild): ChaosApi {
  return {
    async insist(method, path, options) {
      for (let tries = 1; ; tries++) {
        const { url, key } = await child.running();
        const answer = await send(url, method, path, { as: key, ...options }).catch(() => undefined);
        if (answer !== undefined && answer.status < 300) return { answer, tries };
        if (answer !== undefined && answer.status < 500 && ![408, 409, 429].includes(answer.status))
          throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.json)}`);
        if (tries > 500)
          throw new Error(`${method} ${path} does not succeed: ${answer?.status} ${JSON.stringify(answer?.json)}`);
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.min(tries, 20) * 20));
      }
    },
  };
}

/**
 * Resolves when no job waits, no event is under way and the end of every job was told; also when nothing has moved for seven minutes and no
 * message waits for its next attempt, as `isToTell` has it: one that was interrupted twice is tried again after five minutes, after a third
 * time half an hour after it was due.
 */
export async function untilIdle(
  api: ChaosApi,
  told: () => number,
  say: (line: string) => void,
  isToTell: () => Promise<boolean> = async () => false,
): Promise<void> {
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  let last = '';
  let since = performance.now();
  for (;;) {
    const { jobs, events } = (await api.insist('GET', '/api/v1/metrics')).answer.json.data;
    const waiting = sum(Object.values(jobs.waiting as Record<string, number>));
    // A broker that does not answer is not idle.
    const lag = sum((events.lag as { waiting: number }[] | null)?.map((group) => group.waiting) ?? [Number.NaN]);
    const state = `${waiting} jobs wait, ${lag} events under way, ${events.outbox_pending} in the outbox, ${told()} jobs told`;
    if (state !== last) {
      last = state;
      since = performance.now();
      say(state);
    }
    const idle = waiting + lag + events.outbox_pending === 0;
    if (idle && told() >= (await countJobs(api))) return;
    if (performance.now() - since > 420_000 && !(await isToTell())) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function countJobs(api: ChaosApi): Promise<number> {
  let count = 0;
  let token: string | null = '';
  while (token !== null) {
    const path = `/api/v1/faces/enroll/jobs?limit=500${token === '' ? '' : `&page_token=${encodeURIComponent(token)}`}`;
    const { data } = (await api.insist('GET', path)).answer.json as {
      data: { jobs: unknown[]; next_page_token: string | null };
    };
    count += data.jobs.length;
    token = data.next_page_token;
  }
  return count;
}

const seconds = (begun: number): number => Math.round((performance.now() - begun) / 100) / 10;
