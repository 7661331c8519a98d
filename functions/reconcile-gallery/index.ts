import { reconcile } from '../../shared/gallery/reconcile.ts';
import { defineFunction } from '../../shared/runtime/define.ts';
import { sizes } from '../../shared/runtime/sizes.ts';

/** Longer than any enrolment takes. */
const settledMs = 15 * 60 * 1000;

/** Clears up after a crash in the middle of an enrolment, and makes lost templates anew. */
export default defineFunction(
  {
    name: 'reconcile-gallery',
    summary: 'Make records, templates and images agree',
    trigger: { kind: 'cron', everyMinutes: 60 },
    uses: ['records', 'vectors', 'images', 'extractor'],
    ...sizes.background,
  },
  async ({ clock, signal, log }, ports) => {
    const total = { rebuilt: 0, lost: 0, strayVectors: 0, strayImages: 0 };
    for (const tenant of await ports.records.tenants({ signal })) {
      const { rebuilt, lost, strayVectors, strayImages } = await reconcile(
        tenant,
        clock.now() - settledMs,
        { signal, log },
        ports,
      );
      total.rebuilt += rebuilt;
      total.lost += lost;
      total.strayVectors += strayVectors;
      total.strayImages += strayImages;
    }
    return total;
  },
);
