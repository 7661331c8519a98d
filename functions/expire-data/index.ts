import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { type Expired, expire } from '../../shared/gallery/expire.ts';
import { itemsOf } from '../../shared/ports/pages.ts';

/** Deletes the bytes of images, and unknown faces, after their retention time. See: [Note: Expiry can be interrupted] */
export default defineFunction(
  {
    name: 'expire-data',
    summary: 'Delete images and unknown faces after their retention time',
    // Also soon after the start: retention must work on a platform that never runs for a whole hour.
    trigger: { kind: 'cron', everyMinutes: 60, soonAfterStart: true },
    uses: ['records', 'vectors', 'images', 'accounts', 'audit'],
    emits: ['freeface.face.erased.v1'],
    ...sizes.background,
  },
  async (call, ports) => {
    const total = { images: 0, bytes: 0, faces: 0 };
    const tenants = itemsOf((page) => ports.accounts.listTenants({ ...page, limit: 500, signal: call.signal }));
    for await (const { tenant, retention } of tenants) {
      if (retention.imagesDays === null && retention.unknownFacesDays === null) continue;
      const expired = await expire(retention, { ...call, tenant }, ports);
      for (const key of Object.keys(total) as (keyof Expired)[]) total[key] += expired[key];
    }
    return total;
  },
);
