import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { checkStores, readinessOf } from '../../shared/gallery/check-stores.ts';

const state = z.enum(['ok', 'failing']);

export default defineFunction(
  {
    name: 'get-readiness',
    summary: 'Say whether requests can be answered',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health/ready', aliases: ['/health/ready'], scope: null },
    output: z.object({
      status: z
        .enum(['ready', 'degraded'])
        .describe('degraded: without some stores most requests are answered all the same.'),
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
