import * as z from 'zod';
import { defineFunction } from '../../shared/runtime/define.ts';

export default defineFunction(
  {
    name: 'get-liveness',
    summary: 'Say that the process is alive',
    tag: 'health',
    trigger: { kind: 'http', method: 'GET', path: '/api/v1/health/live', aliases: ['/health/live'], scope: null },
    output: z.object({ status: z.literal('alive') }),
    uses: [],
    resources: { cpu: '50m', memory: '64Mi' },
    scale: { min: 0, max: 2 },
    concurrency: 100,
    timeoutSeconds: 5,
  },
  async () => ({ data: { status: 'alive' as const } }),
);
