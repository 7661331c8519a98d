import { presentMissRate } from '../../shared/api/gallery-size.ts';
import type { GallerySize } from '../../shared/domain/gallery-size.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { gallerySize } from '../../shared/gallery/gallery-size.ts';

/**
 * Logs once a day, for each tenant, how far its gallery is from the limit of the default model pack: a warning from 80 % of the limit on,
 * otherwise a line for information. A gallery whose limit is unknown has no line. See: [Note: Expected miss rate]
 */
export default defineFunction(
  {
    name: 'check-gallery-size',
    summary: 'Log how far each gallery is from the limit of the model pack',
    trigger: { kind: 'cron', everyMinutes: 24 * 60, soonAfterStart: true },
    uses: ['records', 'vectors', 'extractor'],
    ...sizes.background,
  },
  async ({ signal, log }, ports) => {
    const total = { galleries: 0, nearLimit: 0, beyondLimit: 0, failed: 0 };
    for (const tenant of await ports.records.tenants({ signal })) {
      try {
        const { pack, ...size } = await gallerySize(tenant, ports, signal);
        const line = {
          tenant,
          pack,
          templates: size.templates,
          limit: size.limit,
          expected_miss_rate: presentMissRate(size.expectedMissRate),
        };
        if (size.templates > 0 && size.limit !== null) log[levels[size.state]](line, texts[size.state]);
        total.galleries += 1;
        if (size.state === 'near_limit') total.nearLimit += 1;
        if (size.state === 'beyond_limit') total.beyondLimit += 1;
      } catch (error) {
        signal.throwIfAborted();
        total.failed += 1;
        log.warn({ err: error, tenant }, 'the size of the gallery was not checked');
      }
    }
    return total;
  },
);

const levels = { ok: 'info', unknown: 'info', near_limit: 'warn', beyond_limit: 'warn' } as const;

const texts: Record<GallerySize['state'], string> = {
  ok: 'the gallery is below the limit of the model pack',
  unknown: 'the limit of the model pack is not known',
  near_limit:
    'the gallery is near the limit of the model pack; above it, more than one enrolled person in five is missed. Use a stronger model pack',
  beyond_limit:
    'the gallery is beyond the limit of the model pack: more than one enrolled person in five is missed. Use a stronger model pack',
};
