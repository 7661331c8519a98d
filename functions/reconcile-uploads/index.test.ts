import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { openUploads } from '../../shared/adapters/embedded/uploads.ts';
import { adapterOptions } from '../../shared/function/adapter-options.ts';
import { cronPipeline } from '../../shared/runtime/cron-pipeline.ts';
import { fakeExtractor, fakePhoto } from '../../shared/testing/fake-extractor.ts';
import { startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { functions } from '../registry.gen.ts';
import reconcileUploads from './index.ts';

/** Starts a platform that does not watch the folder. It sweeps only when the test calls `sweep`. */
async function start(watched: string) {
  const platform = await startPlatform(
    functions.filter(({ manifest }) => manifest.name !== 'reconcile-uploads'),
    {
      openers: {
        ...embeddedOpeners,
        extractor: async () => fakeExtractor({ latencyMs: () => 0, working: 4 }),
        uploads: async (context) => ({
          ...(await openUploads({ ...adapterOptions(context), finishedAfterMs: 0 })),
          watch: async () => async () => undefined,
        }),
      },
      settings: { FREEFACE_WATCH: watched, FREEFACE_MAX_IMAGE_BYTES: '4096' },
    },
  );
  const run = cronPipeline(reconcileUploads, platform.ports, platform.context);
  const sweep = async () => {
    expect(await run(new AbortController().signal)).toBe(true);
    return platform.logs.findLast(({ msg, function: name }) => msg === 'ran' && name === 'reconcile-uploads')!;
  };
  return { platform, sweep };
}

function put(watched: string, name: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(watched, name)), { recursive: true });
  writeFileSync(join(watched, name), bytes);
}

const lettersOf = async ({ call }: TestPlatform): Promise<{ dead_letter_id: string; reason: string }[]> =>
  (await call('GET', '/api/v1/events/dead_letters')).json.data.dead_letters;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

describe('the sweep of the bucket or the watched folder', () => {
  it('When files can never be enrolled, then each has one dead letter, which the admin can read, after any number of sweeps', async () => {
    const watched = temporaryFolder();
    put(watched, 'ada/big.jpg', Buffer.alloc(4097));
    put(watched, 'ada/2024/nested.jpg', fakePhoto(1));
    put(watched, 'Ada/2024/nested.jpg', fakePhoto(2));
    const { platform, sweep } = await start(watched);

    const first = await sweep();
    await until(async () => (await lettersOf(platform)).length === 2);
    const letters = await lettersOf(platform);
    const second = await sweep();

    expect(letters.map(({ reason }) => reason).sort()).toEqual(['IMAGE_TOO_LARGE', 'TENANT_NOT_FOUND']);
    expect([first.found, second.found]).toEqual([2, 0]);
    expect(await lettersOf(platform)).toEqual(letters);
    const warned = platform.logs.map(({ msg, files }) => [msg, files]);
    expect(warned).toContainEqual(['files are in folders of tenants that do not exist', 1]);
    expect(warned).toContainEqual(['files are ignored: their folders do not have the name of a tenant', 1]);
  }, 60_000);

  it('When the tenant of a file is created later, then the file is enrolled there', async () => {
    const watched = temporaryFolder();
    put(watched, 'north/ada/1.jpg', fakePhoto(1));
    const { platform, sweep } = await start(watched);
    await sweep();
    await until(async () => (await lettersOf(platform)).length === 1);
    const tenant = { tenant: 'north', name: 'North' };
    const { data } = (await platform.call('POST', '/api/v1/tenants', { json: tenant })).json;
    const facesOf = async (as: string | null) =>
      (await platform.call('GET', '/api/v1/persons/by_external_id/ada', { as })).json.data?.face_count;

    await sweep();
    await until(async () => (await facesOf(data.api_key.key)) === 1);

    expect(await facesOf(platform.adminKey)).toBeUndefined();
    expect(await sweep()).toMatchObject({ found: 0, missed: 0 });
  }, 60_000);
});
