import * as z from 'zod';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { checkStores, readinessOf } from '../../shared/gallery/check-stores.ts';

const state = z.enum(['ok', 'failing']);

export default defineFunction(
  {
    name: 'get-health',
    summary: 'Show the health of the platform',
    description:
      'The platform sends a small request to every store. `status` is `ok` if every store answers, and `degraded` otherwise. The response is 200 in both cases.',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health', aliases: ['/health'], scope: null },
    output: z.object({
      status: z.enum(['ok', 'degraded']),
      stores: z.object({ records: state, vectors: state, images: state, cache: state, events: state, webhooks: state }),
    }),

    uses: ['records', 'vectors', 'images', 'cache', 'events', 'webhooks'],
    ...sizes.page,
  },
  async ({ signal }, ports) => {
    const stores = await checkStores(ports, signal);
    return { data: { status: readinessOf(stores) === 'ready' ? ('ok' as const) : ('degraded' as const), stores } };
  },
);
