import { enrolmentJobs } from '../../shared/domain/tuning.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { reconcile } from '../../shared/gallery/reconcile.ts';

/** Rows deleted in one call. */
const batch = 500;

/** Data is removed only when it is older than this, in milliseconds. No enrolment takes this long. */
const settledMs = 15 * 60 * 1000;

/** Cleans up after a crash during an enrolment, recreates lost templates, and deletes old jobs and dead letters. */
export default defineFunction(
  {
    name: 'reconcile-gallery',
    summary: 'Repair differences between records, templates and images',
    trigger: { kind: 'cron', everyMinutes: 60, soonAfterStart: true },
    uses: ['records', 'vectors', 'images', 'extractor'],
    ...sizes.background,
  },
  async ({ clock, signal, log }, ports) => {
    const total = { rebuilt: 0, lost: 0, strayVectors: 0, strayImages: 0, failed: 0 };
    for (const tenant of await ports.records.tenants({ signal })) {
      const outcome = await reconcile(tenant, clock.now() - settledMs, { signal, log }, ports);
      if (outcome.rebuilt + outcome.lost > 0) await ports.records.raiseEpoch(tenant);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += outcome[key];
    }
    const { records } = ports;
    const [jobsBefore, lettersBefore] = [enrolmentJobs.keptMs, enrolmentJobs.deadLettersKeptMs].map(
      (keptMs) => clock.now() - keptMs,
    ) as [number, number];
    return {
      ...total,
      oldJobs: await inBatches(() => records.expireJobs(jobsBefore, batch, { signal })),
      oldDeadLetters: await inBatches(() => records.expireDeadLetters(lettersBefore, batch, { signal })),
    };
  },
);

async function inBatches(expire: () => Promise<number>): Promise<number> {
  let removed = 0;
  for (;;) {
    const now = await expire();
    removed += now;
    if (now < batch) return removed;
  }
}
