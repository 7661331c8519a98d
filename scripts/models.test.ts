import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeShared } from '../shared/testing/shared-files.ts';
import { tinyNetwork } from '../shared/vision/weights/testing/tiny-network.ts';
import { main } from './models.ts';

let data: string;
let mine: string;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'freeface-models-'));
  mine = await mkdtemp(join(tmpdir(), 'freeface-mine-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
  await rm(mine, { recursive: true });
});

describe('npm run models', () => {
  it('When it is run without arguments, then it builds the configured pack and prints each file and the caveats', async () => {
    const run = await models();

    expect(run).toMatchObject({ code: 0, out: expect.stringMatching(/^builtin is ready[\s\S]*East Asian/) });
    expect(run.err.match(/^building .*\.onnx/gm)).toHaveLength(4);
    expect(run.err).not.toContain('\u001b');
    expect(await models('verify', 'builtin')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^(builtin {2}intact {2}.*\n){4}$/),
    });
  });

  it('When a file is damaged, then verify names it and fails', async () => {
    await models();
    await writeFile(join(data, 'models/blazeface.onnx'), 'damage');

    const run = await models('verify');

    expect(run).toMatchObject({ code: 1, out: expect.stringMatching(/DAMAGED.*blazeface\.onnx/) });
  });

  it('When the packs are listed, then each has its state and its licences, and the templates follow', async () => {
    const { code, out } = await models('list');

    expect(code).toBe(0);
    expect(out).toMatch(/^builtin \(catalogue, files are missing/);
    expect(out).toMatch(/retinaface-mobilefacenet \(catalogue, needs your files\)/);
    expect(out).toMatch(/code: MIT \(package\); BSL-1\.0 \(dlib\); weights: CC0-1\.0/);
    expect(out).toMatch(/high-accuracy \(template/);
  });

  it('When a completed template is added, then its terms must be accepted first, and it is listed as ready', async () => {
    await writeFile(join(mine, 'net.onnx'), tinyNetwork());
    const template = JSON.parse((await models('show', 'balanced')).out);
    for (const component of [template.detector, template.embedder]) component.file.path = 'net.onnx';
    await writeFile(join(mine, 'pack.json'), JSON.stringify({ ...template, name: 'my-balanced' }));

    const refused = await models('add', join(mine, 'pack.json'));
    const added = await models('add', join(mine, 'pack.json'), '--accept-terms');

    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('VGGFace2 were collected for research') });
    expect(added).toMatchObject({ code: 0, out: expect.stringContaining('FREEFACE_MODEL_PACK=my-balanced') });
    const listed = (await models('list')).out;
    expect(listed).toContain('my-balanced (added, ready)');
    expect(listed).toContain('terms: WIDER FACE and VGGFace2 were collected for research');
    expect(await models('get', 'my-balanced')).toMatchObject({ code: 0 });
  });

  it('When an added pack is removed, then all its files are deleted', async () => {
    await writeFile(join(mine, 'net.onnx'), tinyNetwork());
    const template = JSON.parse((await models('show', 'balanced')).out);
    for (const component of [template.detector, template.embedder]) component.file.path = join(mine, 'net.onnx');
    await writeFile(join(mine, 'pack.json'), JSON.stringify({ ...template, name: 'mine', terms: undefined }));
    expect(await models('add', join(mine, 'pack.json'))).toMatchObject({ code: 0 });
    expect((await models('list')).out).toContain('terms: see the source of your files');

    const run = await models('remove', 'mine');

    expect(run).toMatchObject({ code: 0, out: 'Removed mine.\n' });
    expect(await readdir(join(data, 'models'))).toEqual([]);
  });

  it('When a pack file is wrong, then the error names the wrong fields and nothing is added', async () => {
    await writeFile(join(mine, 'pack.json'), JSON.stringify({ name: 'x', colour: 'blue' }));

    const run = await models('add', join(mine, 'pack.json'));

    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/Unrecognized key: "colour"/) });
    expect(await readdir(data)).toEqual([]);
  });

  it.each([
    [['frobnicate'], 'frobnicate'],
    [['get'], 'get'],
    [['list', 'everything'], 'everything'],
    [['--unknown'], '--unknown'],
    [['add', 'no-such-file.json'], 'no-such-file.json'],
  ])('When it is called with %j, then the exit code is 2 and the usage text is printed', async (args, named) => {
    const run = await models(...args);

    expect(run).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/Usage: npm run models/) });
    expect(run.err).toContain(named);
  });

  it('When a pack is unknown, then the error lists the known packs', async () => {
    const run = await models('get', 'nonsense');

    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/no model pack nonsense\. There are: builtin, /) });
  });
});

describeShared('npm run models with files of a user', 'models', (folder) => {
  it('When a pack of the catalogue is added from a folder, then it is ready, with the digests of the catalogue', async () => {
    const added = await models('add', 'retinaface-mobilefacenet', '--from', folder);

    expect(added).toMatchObject({
      code: 0,
      out: expect.stringContaining('FREEFACE_MODEL_PACK=retinaface-mobilefacenet'),
    });
    expect(added.out).toContain('49928cb2ca1c71f7824e61ef49324a59907031dea3bcee29c18b86870e953f7e');
    expect(await models('get', 'retinaface-mobilefacenet')).toMatchObject({ code: 0 });
  });
});

async function models(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const terminal = { stdout, stderr } as unknown as Parameters<typeof main>[2];
  const code = await main(args, { FREEFACE_DATA: data }, terminal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}
