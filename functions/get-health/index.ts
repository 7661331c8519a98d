import * as z from 'zod';
import { galleryState, templateLimit } from '../../shared/api/gallery-size.ts';
import type { GallerySize } from '../../shared/domain/gallery-size.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { checkStores, readinessOf } from '../../shared/gallery/check-stores.ts';
import { gallerySizeIfKnown } from '../../shared/gallery/gallery-size.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';

const state = z.enum(['ok', 'failing']);

export default defineFunction(
  {
    name: 'get-health',
    summary: 'Show the health of the platform',
    description:
      'The platform sends a small request to every store. `status` is `ok` if every store answers, and `degraded` otherwise. The response is 200 in both cases. `gallery` shows how far the gallery of the default tenant is from the limit of the default model pack; it does not change `status`. `metrics` shows exact numbers, for your tenant.',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health', aliases: ['/health'], scope: null },
    output: z.object({
      status: z.enum(['ok', 'degraded']),
      stores: z.object({ records: state, vectors: state, images: state, cache: state, events: state, webhooks: state }),
      gallery: z.object({
        state: galleryState,
        template_limit: templateLimit,
        used: z
          .number()
          .nullable()
          .describe(
            'Templates as a multiple of the limit, rounded to one decimal digit: 1 is the limit. null: a store does not answer, or the limit is not known.',
          ),
      }),
    }),
    uses: ['records', 'vectors', 'images', 'cache', 'events', 'webhooks', 'extractor'],
    ...sizes.page,
  },
  async ({ signal }, ports) => {
    const [stores, size] = await Promise.all([
      checkStores(ports, signal),
      gallerySizeIfKnown(defaultTenant, ports, signal),
    ]);
    const status = readinessOf(stores) === 'ready' ? ('ok' as const) : ('degraded' as const);
    return { data: { status, stores, gallery: presentCoarsely(size) } };
  },
);

/**
 * [Note: Health shows no counts]
 * Everyone may call health, so it does not show how many people are enrolled: only a multiple of the limit with one decimal digit.
 */
const presentCoarsely = (size: GallerySize | null) => ({
  state: size?.state ?? ('unknown' as const),
  template_limit: size?.limit ?? null,
  used: size?.limit == null ? null : Math.round((10 * size.templates) / Math.max(1, size.limit)) / 10,
});
