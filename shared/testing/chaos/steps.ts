import { keyOfUpload } from '../../domain/uploads.ts';
import { defaultTenant } from '../../ports/tenant.ts';
import type { ChaosApi } from './api.ts';
import type { ChaosEnrolment, ChaosSent } from './check.ts';
import type { ChaosFiles } from './files.ts';
import type { BatchStep, ChaosFile, ChaosStep, FileStep, PhotoStep } from './plan.ts';

/** Most dead letters in one replay. */
const mostReplayed = 20;
/** Longest wait for the job of a file, in milliseconds. */
const longestUnseenMs = 15_000;

/** Requests of the clients and the responses they got. */
export interface SentRecord extends ChaosSent {
  readonly accepted: Map<string, ChaosEnrolment>;
  readonly cancelled: Set<string>;
  readonly files: ChaosFile[];
  readonly replays: Map<string, number>;
  replayed: number;
  resent: number;
}

export const emptyRecord = (): SentRecord => ({
  accepted: new Map(),
  cancelled: new Set(),
  files: [],
  replays: new Map(),
  replayed: 0,
  resent: 0,
});

interface Sending {
  readonly api: ChaosApi;
  readonly files: ChaosFiles;
  readonly sent: SentRecord;
  readonly seed: number;
}

/** Runs one step of the plan and repeats its requests until they succeed. */
export async function take(step: ChaosStep, sending: Sending): Promise<void> {
  if (step.what === 'photo') await sendPhoto(step, sending);
  else if (step.what === 'file') await putFile(step, sending);
  else if (step.what === 'batch') await sendBatch(step, sending);
  else await replayNewest(sending);
}

async function sendPhoto({ n, photo, priority, name, cancel }: PhotoStep, sending: Sending): Promise<void> {
  const { api, sent, seed } = sending;
  const { answer, tries } = await api.insist('POST', '/api/v1/faces/enroll_async', {
    form: { priority, ...name, image: photo.bytes },
    headers: { 'idempotency-key': `chaos-${seed}-${n}` },
  });
  sent.resent += tries - 1;
  const { job_id: jobId } = answer.json.data;
  sent.accepted.set(jobId, { photo, name });
  if (cancel) await cancelJob(jobId, sending);
}

async function putFile({ path, name, versions }: FileStep, { api, files, sent }: Sending): Promise<void> {
  for (const [i, { photo, afterSeen, afterMs }] of versions.entries()) {
    const before = versions[i - 1]?.photo;
    if (afterSeen && before != null) await untilSeen(before.faceId, api);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    if (photo === null) await files.remove(path);
    else await files.put(path, photo.bytes);
  }
  sent.files.push({ name, versions: versions.map(({ photo }) => photo) });
}

/** Resolves when a job of this face has ended, or after 15 seconds: the event for the file may have been lost. */
async function untilSeen(faceId: string, api: ChaosApi): Promise<void> {
  const end = performance.now() + longestUnseenMs;
  while (performance.now() < end) {
    const { answer } = await api.insist('GET', `/api/v1/faces/enroll/status/${faceId}`, {}, ['JOB_NOT_FOUND']);
    if (answer.json.data?.finished_at != null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function sendBatch({ batchId, priority, items }: BatchStep, sending: Sending): Promise<void> {
  const { api, files, sent } = sending;
  for (const { path, photo } of items) {
    await files.put(path, photo.bytes);
    sent.files.push({ name: null, versions: [photo] });
  }
  const { tries } = await api.insist('POST', '/api/v1/faces/enroll_batch', {
    json: {
      batch_id: batchId,
      priority,
      items: items.map(({ path, name }) => ({ object_key: keyOfUpload({ tenant: defaultTenant, path }), ...name })),
    },
  });
  sent.resent += tries - 1;
  for (const { jobId, photo, name } of items) sent.accepted.set(jobId, { photo, name });
  for (const { jobId, cancel } of items) if (cancel) await cancelJob(jobId, sending);
}

/** Cancels a job, unless it has already started. */
async function cancelJob(jobId: string, { api, sent }: Sending): Promise<void> {
  const { answer } = await api.insist('DELETE', `/api/v1/faces/enroll/status/${jobId}`, {}, ['JOB_NOT_CANCELLABLE']);
  if (answer.status === 200) sent.cancelled.add(jobId);
}

export async function replayNewest({ api, sent }: Sending): Promise<void> {
  const letters = '/api/v1/events/dead_letters';
  const list = await api.insist('GET', `${letters}?type=freeface.enrollment.requested.v1&limit=${mostReplayed}`);
  const ids = (list.answer.json.data.dead_letters as { dead_letter_id: string }[]).map((each) => each.dead_letter_id);
  if (ids.length === 0) return;
  const jobs: string[] = [];
  for (const id of ids) {
    const { answer } = await api.insist('GET', `${letters}/${id}`, {}, ['DEAD_LETTER_NOT_FOUND']);
    if (answer.status === 200) jobs.push(answer.json.data.event.data.job_id);
  }
  const { answer, tries } = await api.insist('POST', `${letters}/replay`, { json: { dead_letter_ids: ids } });
  sent.replayed += answer.json.data.replayed;
  for (const jobId of jobs) sent.replays.set(jobId, (sent.replays.get(jobId) ?? 0) + tries);
}
