import * as z from 'zod';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';

export default defineFunction(
  {
    name: 'get-liveness',
    summary: 'Check that the process is alive',
    description: 'This function does not check any store.',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health/live', aliases: ['/health/live'], scope: null },
    output: z.object({ status: z.literal('alive') }),
    uses: [],
    ...sizes.page,
  },
  async () => ({ data: { status: 'alive' as const } }),
);
