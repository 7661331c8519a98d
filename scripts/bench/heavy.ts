import { memory } from '../../shared/domain/tuning.ts';
import { heavyPhotos } from '../../shared/testing/heavy-photos.ts';
import { residentMegabytes, type Started } from './platform.ts';
import type { Row } from './rows.ts';

/** Requests at the same time. */
const atOnce = 50;

/** Measures the highest resident memory while 50 photos that need much memory arrive at once, and the responses to them. */
export async function measureHeavyPhotos(
  { url, headers, child }: Started,
  { quick }: { quick: boolean },
): Promise<Row[]> {
  const photos = await Promise.all(heavyPhotos(quick ? 6 : 24).map(({ make }) => make()));
  let highest = residentMegabytes(child.pid!) ?? Number.NaN;
  const sampling = setInterval(() => {
    highest = Math.max(highest, residentMegabytes(child.pid!) ?? 0);
  }, 20);
  const began = performance.now();
  const statuses = await Promise.all(
    Array.from({ length: atOnce }, async (_, i) => {
      const response = await fetch(`${url}/api/v1/faces/detect`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/octet-stream' },
        body: photos[i % photos.length]!,
      });
      await response.arrayBuffer();
      return response.status;
    }),
  );
  clearInterval(sampling);
  const counts = [...new Set(statuses)]
    .sort()
    .map((status) => `${status}: ${statuses.filter((s) => s === status).length}`);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  return [
    {
      section: 'memory',
      name: `highest, ${atOnce} heavy photos at once`,
      value: highest,
      unit: 'MB',
      goal: { atMost: memory.mostResident / 2 ** 20 },
      note: `${seconds} s; ${counts.join(', ')}`,
    },
  ];
}
