import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { removeUnusedFiles } from './unused-files.ts';

const here = `${process.platform}/${process.arch}`;
const read = [
  `onnxruntime-node/bin/napi-v6/${here}/onnxruntime_binding.node`,
  'onnxruntime-node/dist/index.js',
  'onnxruntime-node/package.json',
  '@vladmandic/face-api/model/face_recognition_model.bin',
  '@vladmandic/face-api/package.json',
  '@vladmandic/face-api/LICENSE',
  '@vladmandic/human/models/blazeface.json',
  `usearch/prebuilds/${process.platform}-${process.arch}/usearch.node`,
  'usearch/javascript/dist/esm/usearch.js',
  'swagger-ui-dist/swagger-ui-bundle.js',
  'zod/index.js',
];
const unused = [
  'onnxruntime-node/bin/napi-v6/otheros/x64/onnxruntime.dll',
  `onnxruntime-node/bin/napi-v6/${process.platform}/otherarch/onnxruntime_binding.node`,
  '@vladmandic/face-api/dist/face-api.js',
  '@vladmandic/human/models/iris.bin',
  'usearch/prebuilds/otheros-x64/usearch.node',
  'usearch/numkong/c/dispatch.c',
  'swagger-ui-dist/swagger-ui-bundle.js.map',
];

function installation({ dev }: { dev: boolean }): string {
  const modules = join(temporaryFolder(), 'node_modules');
  for (const path of [...read, ...unused]) {
    mkdirSync(dirname(join(modules, path)), { recursive: true });
    writeFileSync(join(modules, path), '0123456789');
  }
  const packages = { 'node_modules/zod': {}, ...(dev && { 'node_modules/vitest': { dev: true } }) };
  writeFileSync(join(modules, '.package-lock.json'), JSON.stringify({ packages }));
  return modules;
}

const present = (modules: string) => (path: string) => existsSync(join(modules, path));

it('When a production install starts, then files for other platforms go, and the files that are read stay', async () => {
  const modules = installation({ dev: false });

  expect(await removeUnusedFiles(modules)).toBe(unused.length * 10);

  expect(unused.filter(present(modules))).toEqual([]);
  expect(read.filter(present(modules))).toEqual(read);
  expect(await removeUnusedFiles(modules)).toBe(0);
});

it('When development packages are installed, or node_modules is a link, then nothing is deleted', async () => {
  const modules = installation({ dev: true });
  const link = join(temporaryFolder(), 'node_modules');
  symlinkSync(installation({ dev: false }), link);

  expect([await removeUnusedFiles(modules), await removeUnusedFiles(link)]).toEqual([0, 0]);
  expect(unused.filter(present(modules))).toEqual(unused);
  expect(unused.filter(present(link))).toEqual(unused);
});

it('When npm did not install the packages, then nothing is deleted', async () => {
  expect(await removeUnusedFiles(join(temporaryFolder(), 'node_modules'))).toBe(0);
});
