import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { forgetUpload } from '../../shared/gallery/ingest-upload.ts';
import { reconcileUploads } from '../../shared/gallery/reconcile-uploads.ts';

/** Finds file changes whose notification was lost, and changes made while no process was watching. */
export default defineFunction(
  {
    name: 'reconcile-uploads',
    summary: 'Find file changes in the bucket or the watched folder that had no notification',
    trigger: { kind: 'cron', everyMinutes: 10, soonAfterStart: true },
    uses: ['records', 'vectors', 'images', 'extractor', 'accounts', 'audit', 'uploads', 'events'],
    emits: ['freeface.upload.changed.v1', 'freeface.enrollment.cancelled.v1', 'freeface.face.erased.v1'],
    ...sizes.background,
  },
  async (call, ports) => {
    const { found, missed } = await reconcileUploads(call, ports, async (tenant, gone) => {
      await forgetUpload(gone, { ...call, tenant }, ports);
    });
    return { found, missed };
  },
);
