import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { checkStores, readinessOf } from '../../shared/gallery/check-stores.ts';

const state = z.enum(['ok', 'failing']);

export default defineFunction(
  {
    name: 'get-readiness',
    summary: 'Check whether the platform can answer requests',
    description: 'The response is 503 if the records store fails. If only other stores fail, `status` is `degraded`.',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health/ready', aliases: ['/health/ready'], scope: null },
    output: z.object({
      status: z
        .enum(['ready', 'degraded'])
        .describe('degraded: some stores fail, but the platform can still answer most requests.'),
      stores: z.object({ records: state, vectors: state, images: state, cache: state, events: state, webhooks: state }),
    }),
    errors: ['NOT_READY'],
    uses: ['records', 'vectors', 'images', 'cache', 'events', 'webhooks'],
    ...sizes.page,
  },
  async ({ signal }, ports) => {
    const stores = await checkStores(ports, signal);
    const status = readinessOf(stores);
    if (status === 'unready') throw new AppError('NOT_READY');
    return { data: { status, stores } };
  },
);
