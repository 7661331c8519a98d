import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { externals, readManifests } from '../../esbuild.config.mjs';
import { adapterFiles } from '../../shared/testing/bundle-rules.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { installedLibrary } from './base.ts';
import { baseOfLayout } from './base-of-layout.ts';
import { bundleFunction } from './bundle.ts';
import { filesUnder, tarOf } from './layer.ts';
import { openLayout } from './layout.ts';
import { packagesOutside } from './packages.ts';
import { isLight, lightBudget, overBudget } from './report.ts';
import { billOfMaterials, partsOfBundle } from './sbom.ts';

const bundled = async (name: string, folder: string) => {
  const [found] = await readManifests([name]);
  const metafile = await bundleFunction(found!.manifest, found!.ports, folder, process.execPath);
  return { metafile, source: await readFile(join(folder, 'function.cjs'), 'utf8') };
};

describe('The bundle in an image', () => {
  it('When it is made twice, then both bundles and code caches are equal, and V8 accepts the cache', async () => {
    const [one, two] = [join(temporaryFolder(), 'function'), join(temporaryFolder(), 'function')];

    await bundled('get-liveness', one);
    await bundled('get-liveness', two);

    for (const file of ['boot.cjs', 'function.cjs', 'function.cache']) {
      expect((await readFile(join(one, file))).equals(await readFile(join(two, file)))).toBe(true);
    }
    const check = `
      const { readFileSync } = require('node:fs');
      const read = (name) => readFileSync(${JSON.stringify(one)} + '/' + name);
      const source = '(function (exports, require, module, __filename, __dirname) { ' + read('function.cjs') + '\\n})';
      const script = new (require('node:vm').Script)(source, { filename: '/app/function.cjs', cachedData: read('function.cache') });
      console.log(script.cachedDataRejected);`;
    expect(execFileSync(process.execPath, ['-e', check], { encoding: 'utf8' }).trim()).toBe('false');
  });

  it('When a function runs in distributed mode, then it has no adapter of the embedded mode, and only the extractor has networks', async () => {
    const folder = temporaryFolder();

    const recognise = await bundled('recognize-faces', join(folder, 'recognize-faces'));
    const extract = await bundled('extract-faces', join(folder, 'extract-faces'));

    const packages = async ({ metafile, source }: typeof recognise) =>
      (await packagesOutside(metafile, source, process.cwd(), externals)).map(({ name }) => name);
    expect(await packages(recognise)).toEqual(['libheif-js', 'sharp']);
    expect(await packages(extract)).toEqual(['libheif-js', 'onnxruntime-node', 'sharp']);
    const parts = partsOfBundle(recognise.metafile).map(({ name }) => name);
    expect(parts).toContain('cassandra-driver');
    expect(adapterFiles(recognise.metafile, 'embedded')).toEqual([]);
  });

  it("When this machine has Vulkan's loader, then the image has it where onnxruntime looks for it", async () => {
    const [onnxruntime] = await packagesOutside(
      { inputs: {}, outputs: {} },
      '.resolve("onnxruntime-node")',
      process.cwd(),
      ['onnxruntime-node'],
    );

    const folder = onnxruntime!.files
      .find(({ path }) => path.endsWith('/libonnxruntime.so.1'))!
      .path.replace(/[^/]+$/, '');
    const loader = onnxruntime!.files.filter(({ path }) => path === `${folder}libvulkan.so.1`);
    expect(loader).toHaveLength(installedLibrary('libvulkan.so.1', folder) === undefined ? 0 : 1);
    expect(onnxruntime!.parts.some(({ name }) => name.startsWith('libvulkan'))).toBe(loader.length === 1);
  });
});

describe('A bill of materials', () => {
  it('When parts are given twice and in any order, then each is listed once, with its licence', () => {
    const [node, zod] = [
      { name: 'node', version: '20.0.0', licence: 'MIT', purl: 'pkg:generic/node@20.0.0' },
      { name: 'zod', version: '4.0.0', licence: 'MIT', purl: 'pkg:npm/zod@4.0.0' },
    ];

    const text = billOfMaterials('get-person', '1.0.0', [zod, node, zod]);

    expect(text).toBe(billOfMaterials('get-person', '1.0.0', [node, zod]));
    const bom = JSON.parse(text);
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(bom.components.map(({ purl, licenses }: Record<string, unknown>) => ({ purl, licenses }))).toEqual([
      { purl: node.purl, licenses: [{ expression: 'MIT' }] },
      { purl: zod.purl, licenses: [{ expression: 'MIT' }] },
    ]);
  });
});

describe('A layout', () => {
  const files = [
    { path: 'b', bytes: Buffer.from('two') },
    { path: 'a/c', bytes: Buffer.from('one'), executable: true },
  ];

  it('When images share a layer, then it is written once, contains its files, and has the digest of its bytes', async () => {
    const folder = temporaryFolder();
    const layout = await openLayout(folder);
    const layer = await layout.addLayer(await tarOf(files, ['tmp/']));
    const again = await layout.addLayer(await tarOf(files.toReversed(), ['tmp/']));
    const image = await layout.addImage('dev.local/x:1', [layer], { User: '65532:65532' }, { title: 'x' });
    await layout.writeIndex([image]);

    expect(again).toEqual(layer);
    const read = async (digest: string) => readFile(join(folder, 'blobs', digest.replace(':', '/')));
    const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8'));
    const manifest = JSON.parse((await read(index.manifests[0].digest)).toString());
    const config = JSON.parse((await read(manifest.config.digest)).toString());
    const archive = extract();
    archive.end(gunzipSync(await read(manifest.layers[0].digest)));
    const entries: object[] = [];
    for await (const entry of archive) {
      const { name, mode, uid, mtime } = entry.header;
      entries.push({ name, mode: mode?.toString(8), uid, at: mtime?.getTime() });
      entry.resume();
    }
    expect(entries).toEqual([
      { name: 'tmp/', mode: '1777', uid: 0, at: 0 },
      { name: 'a/c', mode: '755', uid: 0, at: 0 },
      { name: 'b', mode: '644', uid: 0, at: 0 },
    ]);
    expect(config).toMatchObject({ config: { User: '65532:65532' }, rootfs: { diff_ids: [layer.diffId] } });
  });

  it('When the base image has node, then its layers and its node are used; a base without node is refused', async () => {
    const folder = temporaryFolder();
    const layout = await openLayout(join(folder, 'theirs'));
    const layer = await layout.addLayer(
      await tarOf([{ path: 'opt/bin/node', bytes: Buffer.from('#!/bin/sh\necho theirs\n'), executable: true }]),
    );
    const image = await layout.addImage('node:1', [layer], { Entrypoint: ['/opt/bin/node'] }, {});
    await layout.writeIndex([image]);
    const ours = await openLayout(join(folder, 'ours'));

    const base = await baseOfLayout(join(folder, 'theirs'), ours);

    expect(base).toMatchObject({ node: '/opt/bin/node', layers: [layer] });
    expect(execFileSync(base.nodeHere, { encoding: 'utf8' })).toBe('theirs\n');
    await layout.writeIndex([await layout.addImage('shell:1', [layer], { Entrypoint: ['/bin/sh'] }, {})]);
    await expect(baseOfLayout(join(folder, 'theirs'), ours)).rejects.toThrow('does not start node');
  });
});

describe('The budget of light functions', () => {
  it('When the largest light function is built, then it adds at most 2 MB; an image that adds more is reported', async () => {
    const folder = temporaryFolder();
    const layout = await openLayout(join(folder, 'layout'));
    const below = await layout.addLayer(await tarOf([{ path: 'usr/bin/node', bytes: randomBytes(100_000) }]));
    const [found] = await readManifests(['replay-dead-letters']);
    const { manifest, ports } = found!;
    await bundled(manifest.name, join(folder, 'function'));
    const own = await layout.addLayer(await tarOf(await filesUnder(join(folder, 'function'), 'app')));
    const much = await layout.addLayer(await tarOf([{ path: 'app/much', bytes: randomBytes(2 * lightBudget) }]));
    const image = await layout.addImage(`${manifest.name}:1`, [below, own], {}, {});
    const fat = await layout.addImage('fat:1', [below, much], {}, {});

    const problems = overBudget([image, fat], { layers: [below] });

    expect(own.size).toBeGreaterThan(500_000);
    expect(problems).toEqual(['fat:1 adds 4.00 MB to the base; a light function may add 2.00 MB.']);
    expect([isLight(ports), isLight(['records', 'extractor']), isLight(['vectors'])]).toEqual([true, false, false]);
  });
});
