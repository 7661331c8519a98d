import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import { adapterOptions } from '../function/adapter-options.ts';
import { createContext } from '../function/context.ts';
import type { ExtractedFace, Extractor } from '../ports/extractor.ts';
import { createLogger } from '../telemetry/log.ts';
import { drawGroup, drawPortrait } from '../testing/portraits/index.ts';
import { describeShared } from '../testing/shared-files.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { openExtractor } from './in-process-extractor.ts';

const modelsDir = resolve('models');
/** The global setup of the tests writes the weights of the default pack here. */
const dataDir = resolve('node_modules/.cache/freeface');

const cosine = (a: ExtractedFace, b: ExtractedFace) =>
  a.embedding!.reduce((sum, value, i) => sum + value * b.embedding![i]!, 0);
const onlyFace = async (extractor: Extractor, bytes: Uint8Array): Promise<ExtractedFace> => {
  const { faces } = await extractor.extract(bytes);
  expect(faces).toHaveLength(1);
  return faces[0]!;
};

describe('openExtractor with the default pack', () => {
  const extractor = openExtractor({ packs: ['builtin'], modelsDir, dataDir, threads: 2 });
  afterAll(() => extractor.close());

  it('When a portrait is extracted, then the result is one upright face with landmarks and a template of unit length', async () => {
    const { image, model, faces } = await extractor.extract(await drawPortrait({ person: 'greta', size: 400 }));

    const face = faces[0]!;
    expect(image).toMatchObject({ width: 400, height: 400, format: 'jpeg', capturedAt: null, location: null });
    expect(model).toMatchObject({ pack: 'builtin', dimension: 128 });
    expect(faces).toHaveLength(1);
    expect(face.embedding).toHaveLength(128);
    expect(Math.hypot(...face.embedding!)).toBeCloseTo(1, 4);
    expect(face.landmarks.left_eye.x).toBeLessThan(face.landmarks.right_eye.x);
    expect(face.landmarks.nose.y).toBeLessThan(face.landmarks.mouth_left.y);
    expect(Math.abs(face.pose.yaw)).toBeLessThan(15);
    expect(face.quality.score).toBeGreaterThan(0.5);
    expect(face.confidence).toBeGreaterThan(0.5);
  });

  it('When one person is drawn twice and another once, then the two faces of the person are more similar', async () => {
    const [first, second, other] = await Promise.all([
      onlyFace(extractor, await drawPortrait({ person: 'greta', light: 'left', scene: 1 })),
      onlyFace(extractor, await drawPortrait({ person: 'greta', tilt: 6, scene: 2 })),
      onlyFace(extractor, await drawPortrait({ person: 'finn', scene: 3 })),
    ]);

    expect(cosine(first!, second!)).toBeGreaterThan(cosine(first!, other!));
  });

  it('When three people stand side by side, then all faces are returned, biggest first', async () => {
    const group = await drawGroup([
      { person: 'greta', head: 140 },
      { person: 'finn', head: 220 },
      { person: 'kira', head: 180 },
    ]);

    const { faces } = await extractor.extract(group);

    const areas = faces.map(({ box }) => box.width * box.height);
    expect(faces).toHaveLength(3);
    expect(areas).toEqual(areas.toSorted((a, b) => b - a));
  });

  it('When embed is false, then faces have no template', async () => {
    const { faces } = await extractor.extract(await drawPortrait({ person: 'kira' }), { embed: false });

    expect(faces[0]).not.toHaveProperty('embedding');
  });

  it('When a photo is drawn eight times as large, then boxes and landmarks are eight times as large', async () => {
    const small = await onlyFace(extractor, await drawPortrait({ person: 'dana', size: 300 }));
    const large = await onlyFace(extractor, await drawPortrait({ person: 'dana', size: 2400 }));

    expect(large.box.width / small.box.width).toBeCloseTo(8, 0);
    expect(large.landmarks.nose.x / small.landmarks.nose.x).toBeCloseTo(8, 0);
  });

  it('When no person is in the picture, then there are no faces', async () => {
    const { faces } = await extractor.extract(await drawPortrait({ person: 'dana', at: { x: 9, y: 9 }, size: 300 }));

    expect(faces).toEqual([]);
  });

  it('When the pack is not configured, then the error names the configured packs', async () => {
    await expect(extractor.extract(await drawPortrait({ person: 1 }), { pack: 'other' })).rejects.toMatchObject({
      code: 'STRATEGY_UNAVAILABLE',
      message: expect.stringContaining('builtin'),
    });
  });

  it('When the bytes are an image, then onDecoded runs before the faces are returned; otherwise it never runs', async () => {
    const calls: string[] = [];
    const image = await drawPortrait({ person: 1, size: 100 });

    await extractor.extract(image, { onDecoded: () => calls.push('decoded') }).then(() => calls.push('faces'));
    await expect(
      extractor.extract(image.subarray(0, 500), { onDecoded: () => calls.push('corrupt') }),
    ).rejects.toMatchObject({ code: 'IMAGE_CORRUPT' });

    expect(calls).toEqual(['decoded', 'faces']);
  });

  it('When an image has more bytes or pixels than configured, then it is refused', async () => {
    const image = await drawPortrait({ person: 1, size: 100 });
    const open = (limits: { maxImageBytes?: number; maxImagePixels?: number }) =>
      openExtractor({ packs: ['builtin'], modelsDir, dataDir, threads: 1, ...limits });
    const extractors = [open({ maxImageBytes: image.length - 1 }), open({ maxImagePixels: 100 * 100 - 1 })];

    for (const limited of extractors) {
      await expect(limited.extract(image)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
      await expect(limited.render(image, { variant: 'preview' })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
      await limited.close();
    }
  });

  it('When the call is aborted already, then it rejects with the reason', async () => {
    const signal = AbortSignal.abort(new Error('gone'));

    await expect(extractor.extract(await drawPortrait({ person: 1 }), { signal })).rejects.toThrow('gone');
  });
});

describe('openExtractor without weights', () => {
  it('When the weights are missing, then each call fails and names the pack', async () => {
    const folder = temporaryFolder();
    const extractor = openExtractor({ packs: ['retinaface-mobilefacenet'], modelsDir, dataDir: folder, threads: 1 });

    await expect(extractor.ready()).rejects.toThrow(/retinaface/);
    await expect(extractor.ready()).rejects.toThrow(/retinaface/);
    await extractor.close();
  });
});

describe('FREEFACE_THREADS', () => {
  it('When it sets the number of network threads, then twice as many photos are processed at once', async () => {
    const photo = await drawPortrait({ person: 'greta', size: 400 });

    expect(await mostInWork('1', photo)).toBe(2);
    expect(await mostInWork('3', photo)).toBeGreaterThan(2);
  });

  it('When it is not a number from 1 to 64, then the configuration is refused and the error names the setting', () => {
    for (const value of ['0', '65', 'all'])
      expect(() => readConfig({ FREEFACE_THREADS: value })).toThrow('FREEFACE_THREADS');
    expect(readConfig({}).threads).toBeNull();
  });

  async function mostInWork(threads: string, photo: Uint8Array): Promise<number> {
    const config = readConfig({ FREEFACE_DATA: dataDir, FREEFACE_THREADS: threads });
    const extractor = openExtractor(adapterOptions(createContext(config)));
    await extractor.ready();
    let inWork = 0;
    let most = 0;
    const onDecoded = () => {
      most = Math.max(most, ++inWork);
    };
    await Promise.all(Array.from({ length: 8 }, () => extractor.extract(photo, { onDecoded }).finally(() => inWork--)));
    await extractor.close();
    return most;
  }
});

describeShared('openExtractor with networks that a user brings', 'models', (models) => {
  async function folderWithModels(): Promise<string> {
    const folder = temporaryFolder();
    await mkdir(join(folder, 'models'));
    for (const file of await readdir(models)) await symlink(join(models, file), join(folder, 'models', file));
    return folder;
  }

  it('When RetinaFace and MobileFaceNet process portraits, then they distinguish people', async () => {
    const dataDir = await folderWithModels();
    const extractor = openExtractor({ packs: ['retinaface-mobilefacenet'], modelsDir, dataDir, threads: 2 });

    const [first, second, other] = await Promise.all([
      onlyFace(extractor, await drawPortrait({ person: 'greta', light: 'left', scene: 1 })),
      onlyFace(extractor, await drawPortrait({ person: 'greta', tilt: -6, scene: 2 })),
      onlyFace(extractor, await drawPortrait({ person: 'finn', scene: 3 })),
    ]);
    await extractor.close();

    expect(cosine(first!, second!)).toBeGreaterThan(cosine(first!, other!) + 0.1);
  });

  it('When a pack uses YuNet, then it finds the same face as RetinaFace, and a warning names its borrowed calibration', async () => {
    const dataDir = await folderWithModels();
    const { packs } = JSON.parse(await readFile(join(modelsDir, 'models.json'), 'utf8'));
    const pack = packs.find(({ name }: { name: string }) => name === 'retinaface-mobilefacenet');
    const contract = JSON.parse(await readFile(join(models, 'yunet_n_dynamic.json'), 'utf8'));
    const file = { ...pack.detector.file, path: contract.file, sha256: contract.sha256, bytes: contract.bytes };
    const added = { ...pack, name: 'yunet-mobilefacenet', detector: { kind: 'yunet', file } };
    await mkdir(join(dataDir, 'models', added.name));
    await writeFile(join(dataDir, 'models', added.name, 'pack.json'), JSON.stringify(added));
    const lines: string[] = [];
    const log = createLogger('warn', { write: (line) => void lines.push(line) });
    const extractor = openExtractor({
      packs: ['retinaface-mobilefacenet', added.name],
      modelsDir,
      dataDir,
      threads: 2,
      log,
    });
    const photo = await drawPortrait({ person: 'greta' });

    const [one, other] = await Promise.all(
      [undefined, added.name, added.name].map(
        async (name) => (await extractor.extract(photo, { pack: name })).faces[0]!,
      ),
    );
    await extractor.close();

    // One warning, although the pack is used twice.
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', pack: added.name, calibration: 'retinaface-mobilefacenet' },
    ]);
    for (const name of ['left_eye', 'right_eye', 'nose', 'mouth_left', 'mouth_right'] as const) {
      expect(Math.abs(one!.landmarks[name].x - other!.landmarks[name].x)).toBeLessThan(12);
      expect(Math.abs(one!.landmarks[name].y - other!.landmarks[name].y)).toBeLessThan(12);
    }
    expect(cosine(one!, other!)).toBeGreaterThan(0.7);
  });
});
