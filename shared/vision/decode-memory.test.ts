import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memory } from '../domain/tuning.ts';
import { allocator } from '../runtime/allocator.ts';
import { bundleChild } from '../testing/child-bundle.ts';
import { heavyPhotos } from '../testing/heavy-photos.ts';
import type { MemoryReport, MemoryTask } from '../testing/memory-child.ts';

const run = promisify(execFile);
/** Only Linux reports the peak of the resident memory. */
const describeOnLinux = existsSync('/proc/self/status') ? describe : describe.skip;

describeOnLinux('memory of decoding', () => {
  const folder = mkdtempSync(join(tmpdir(), 'freeface-'));
  const photos = heavyPhotos(8);
  let child: Awaited<ReturnType<typeof bundleChild>>;

  beforeAll(async () => {
    child = await bundleChild('memory-child');
    for (const [i, { make }] of photos.entries()) await writeFile(join(folder, String(i)), await make());
  });
  afterAll(() => {
    child.dispose();
    rmSync(folder, { recursive: true });
  });

  async function measure(task: Omit<MemoryTask, 'dataDir'>): Promise<MemoryReport> {
    const argument = JSON.stringify({ ...task, dataDir: resolve('node_modules/.cache/freeface') });
    const { stdout } = await run(process.execPath, [child.file, argument], { env: { ...process.env, ...allocator } });
    return JSON.parse(stdout) as MemoryReport;
  }

  it.each(photos.map(({ name }, i) => [name, i] as const))(
    'When the photo is %s, then decoding needs at most the estimated memory',
    async (_name, i) => {
      const { peak, before, estimate, outcomes } = await measure({ task: 'decode', files: [join(folder, String(i))] });

      expect(outcomes).toEqual(['ok']);
      expect(peak - before).toBeLessThan(estimate);
    },
  );

  it('When 50 heavy photos arrive at once, then each gets a result or BUSY, and the memory stays within the limit', async () => {
    const files = Array.from({ length: 50 }, (_, i) => join(folder, String(i % photos.length)));

    const { peak, outcomes } = await measure({ task: 'extract', files });

    expect(outcomes).toContain('ok');
    expect(outcomes.filter((outcome) => outcome !== 'ok' && outcome !== 'BUSY')).toEqual([]);
    expect(peak).toBeLessThan(memory.mostResident);
  }, 300_000);
});
