import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DescribedPack } from '../pack.ts';
import { addPack, removePack } from './add.ts';
import { ensurePack, type ModelProgress } from './ensure.ts';
import { findPack, listPacks } from './packs.ts';
import { serveFile } from './testing/file-server.ts';
import { tinyNetwork } from './testing/tiny-network.ts';

const repositoryModels = join(import.meta.dirname, '../../../models');
const licence = { code: 'MIT', weights: 'CC0-1.0' };
const onnx = tinyNetwork();
const digest = createHash('sha256').update(onnx).digest('hex');

let folder: string;
let places: { modelsDir: string; dataDir: string };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freeface-ensure-'));
  places = { modelsDir: join(folder, 'catalogue'), dataDir: join(folder, 'data') };
  await mkdir(places.modelsDir);
});

afterEach(() => rm(folder, { recursive: true }));

describe('ensurePack', () => {
  it('When the built-in pack of the repository is built, then each file has the digest of the catalogue', async () => {
    const events: ModelProgress[] = [];

    const pack = await ensurePack('builtin', {
      modelsDir: repositoryModels,
      dataDir: places.dataDir,
      progress: (e) => events.push(e),
    });

    expect(await sha256Of(pack.embedder.file.path)).toBe(pack.embedder.file.sha256);
    expect((await readdir(join(places.dataDir, 'models'))).sort()).toEqual([
      'blazeface.onnx',
      'dlib-resnet.onnx',
      'landmarks-68.onnx',
      'ssd-mobilenet.onnx',
    ]);
    expect(events.filter(({ step, done, total }) => step === 'build' && done === total)).toHaveLength(4);
  });

  it('When all files exist, then they are checked and none is built', async () => {
    await catalogue([await smallPack('npm:@vladmandic/face-api@1.7.15/model')]);
    await ensurePack('small', places);
    const steps: string[] = [];

    await ensurePack('small', { ...places, progress: ({ step }) => steps.push(step) });

    expect(new Set(steps)).toEqual(new Set(['check']));
  });

  it.each([
    ['truncated', (bytes: Buffer) => bytes.subarray(0, 1000)],
    ['changed by one bit', (bytes: Buffer) => Buffer.from(bytes).fill((bytes[5000] ?? 0) ^ 1, 5000, 5001)],
  ])('When a file is %s, then it is built again', async (_, damage) => {
    await catalogue([await smallPack('npm:@vladmandic/face-api@1.7.15/model')]);
    const { detector } = await ensurePack('small', places);
    await writeFile(detector.file.path, damage(await readFile(detector.file.path)));

    await ensurePack('small', places);

    expect(await sha256Of(detector.file.path)).toBe(detector.file.sha256);
  });

  it('When several calls build at once, then each gets the complete file and no other file stays', async () => {
    await catalogue([await smallPack('npm:@vladmandic/face-api@1.7.15/model')]);

    const packs = await Promise.all([
      ensurePack('small', places),
      ensurePack('small', places),
      ensurePack('small', places),
    ]);

    expect(await sha256Of(packs[2].detector.file.path)).toBe(packs[2].detector.file.sha256);
    expect(await readdir(join(places.dataDir, 'models'))).toEqual(['landmarks-68.onnx']);
  });

  it('When a part file of a dead process exists, then it is deleted', async () => {
    await catalogue([await smallPack('npm:@vladmandic/face-api@1.7.15/model')]);
    const { detector } = await ensurePack('small', places);
    const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
    await rm(detector.file.path);
    await writeFile(`${detector.file.path}.${host}-${2 ** 22 + 1}-00000000.part`, 'half');

    await ensurePack('small', places);

    expect(await readdir(join(places.dataDir, 'models'))).toEqual(['landmarks-68.onnx']);
  });

  it('When a built file has another digest than the catalogue, then it is refused and not kept', async () => {
    const pack = await smallPack('npm:@vladmandic/face-api@1.7.15/model');
    const wrong = { ...pack.detector.file, sha256: '0'.repeat(64) };
    await catalogue([
      { ...pack, detector: { kind: 'x', file: wrong }, embedder: { kind: 'x', file: wrong, dimension: 128 } },
    ]);

    await expect(ensurePack('small', places)).rejects.toThrow(
      /built from @vladmandic\/face-api has SHA-256 .* Run `npm ci`/,
    );

    await expect(readdir(join(places.dataDir, 'models'))).rejects.toThrow('ENOENT');
  });

  it('When the source of a file is a URL, then the file is downloaded', async () => {
    const server = await serveFile({ content: onnx });
    const file = { path: 'own.onnx', source: server.url, sha256: digest, bytes: onnx.length, licence };
    await catalogue([packOf('remote', file)]);
    const steps: string[] = [];

    const pack = await ensurePack('remote', { ...places, progress: ({ step }) => steps.push(step) });
    await server.close();

    expect(await readFile(pack.detector.file.path)).toEqual(onnx);
    expect(steps).toContain('download');
  });

  it('When the user must provide a file, then the message names the file, its source and its digest', async () => {
    const file = { path: 'own.onnx', source: 'a friend', sha256: digest, bytes: onnx.length, licence };
    await catalogue([packOf('own', file)]);

    await expect(ensurePack('own', places)).rejects.toThrow(
      new RegExp(`${join(places.dataDir, 'models', 'own.onnx')} .* is missing.*a friend.*${digest}`),
    );
  });

  it('When the pack does not exist, then the message lists the packs that exist', async () => {
    await catalogue([
      packOf('own', { path: 'own.onnx', source: 'a friend', sha256: digest, bytes: onnx.length, licence }),
    ]);

    await expect(ensurePack('other', places)).rejects.toThrow('There is no model pack other. There are: own.');
  });

  it('When the description is malformed, then the message names the field', async () => {
    await writeFile(join(places.modelsDir, 'models.json'), JSON.stringify({ packs: [{ name: 'Bad Name' }] }));

    await expect(findPack('x', places)).rejects.toThrow(/models\.json is malformed:[\s\S]*packs\[0\]\.name/);
  });
});

describe('addPack', () => {
  const described = { path: 'files/own.onnx', source: 'a friend', licence };

  beforeEach(async () => {
    await catalogue([await smallPack('npm:@vladmandic/face-api@1.7.15/model')]);
    await mkdir(join(folder, 'mine/files'), { recursive: true });
    await writeFile(join(folder, 'mine/files/own.onnx'), onnx);
  });

  it('When a pack is added, then its files are hashed and copied, and the originals are no longer needed', async () => {
    await addPack(packOf('mine', described), { ...places, from: join(folder, 'mine') });
    await rm(join(folder, 'mine'), { recursive: true });

    const pack = await ensurePack('mine', places);

    expect(pack.embedder.file).toMatchObject({ sha256: digest, bytes: onnx.length });
    expect(await readFile(pack.embedder.file.path)).toEqual(onnx);
  });

  it('When a pack is added by link, then the files stay in their place, and a later change is detected', async () => {
    await addPack(packOf('mine', described), { ...places, from: join(folder, 'mine'), link: true });
    const pack = await ensurePack('mine', places);
    expect(pack.detector.file.path).toBe(join(folder, 'mine/files/own.onnx'));
    await writeFile(join(folder, 'mine/files/own.onnx'), 'changed');

    await expect(ensurePack('mine', places)).rejects.toThrow(/own\.onnx of the model pack mine has changed/);
  });

  it('When the given digest is wrong, then nothing is added', async () => {
    const wrong = packOf('mine', { ...described, sha256: 'f'.repeat(64) });

    await expect(addPack(wrong, { ...places, from: join(folder, 'mine') })).rejects.toThrow('expected ffff');

    expect((await listPacks(places)).map(({ pack }) => pack.name)).toEqual(['small']);
  });

  it.each([
    ['an unknown kind', { kind: 'yolo' }, /detector\.kind: yolo does not exist\. Use one of blazeface, retinaface/],
    ['an unknown option', { options: { colour: 'blue' } }, /detector\.options are wrong for retinaface:[\s\S]*colour/],
  ])('When a pack has %s, then it is refused', async (_, part, message) => {
    const pack = packOf('mine', described);

    await expect(
      addPack({ ...pack, detector: { ...pack.detector, ...part } }, { ...places, from: join(folder, 'mine') }),
    ).rejects.toThrow(message);
  });

  it('When a file is not a network, then it is refused', async () => {
    await writeFile(join(folder, 'mine/files/own.onnx'), 'text');

    await expect(addPack(packOf('mine', described), { ...places, from: join(folder, 'mine') })).rejects.toThrow(
      /own\.onnx cannot be loaded/,
    );
  });

  it('When a file does not exist, then the message names it', async () => {
    await expect(addPack(packOf('mine', described), { ...places, from: folder })).rejects.toThrow(
      `${join(folder, 'files/own.onnx')} does not exist`,
    );
  });

  it('When the catalogue has a pack of this name with files that it can build, then the name is refused', async () => {
    await expect(addPack(packOf('small', described), { ...places, from: join(folder, 'mine') })).rejects.toThrow(
      'small is the name of a pack in the catalogue',
    );
  });

  it('When an added pack is removed, then its copies are deleted and other packs keep their files', async () => {
    await ensurePack('small', places);
    await addPack(packOf('mine', described), { ...places, from: join(folder, 'mine') });

    await removePack('mine', places);

    expect((await listPacks(places)).map(({ pack }) => pack.name)).toEqual(['small']);
    expect(await readdir(join(places.dataDir, 'models'))).toEqual(['landmarks-68.onnx']);
  });
});

const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

const catalogue = (packs: unknown[]): Promise<void> =>
  writeFile(join(places.modelsDir, 'models.json'), JSON.stringify({ packs }));

function packOf<File extends DescribedPack['detector']['file']>(name: string, file: File) {
  return {
    name,
    title: name,
    space: 'x.p1',
    detector: { kind: 'retinaface', file, options: {} },
    secondDetector: null,
    landmarker: null,
    alignment: 'arcface-112' as const,
    embedder: { kind: 'arcface', file, options: {}, dimension: 128 },
    calibration: 'builtin',
    caveats: [],
  };
}

/** A pack whose two files are both the smallest network that can be built. */
async function smallPack(source: string) {
  const { packs } = JSON.parse(await readFile(join(repositoryModels, 'models.json'), 'utf8'));
  return packOf('small', { ...packs[0].landmarker.file, source });
}
