import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { checkManifests } from '../../scripts/generate/check-manifests.ts';
import { generatedFiles } from '../../scripts/generate.ts';
import type { FunctionDefinition } from '../function/define.ts';

describe('generated files', () => {
  it('When they are generated again, then they equal the committed files', async () => {
    const files = await generatedFiles(process.cwd());

    for (const [path, text] of files) expect(await readFile(path, 'utf8'), `${path}: run npm run generate`).toBe(text);
  });
});

describe('the manifests together', () => {
  const [first] = functions as readonly [FunctionDefinition];
  const names = functions.map(({ manifest }) => manifest.name);
  const changed = (change: object) => [
    ...functions,
    { ...first, manifest: { ...first.manifest, ...change } } as FunctionDefinition,
  ];

  it.each([
    ['a folder has no manifest with its name', [...names, 'lonely-folder'], functions, 'lonely-folder'],
    ['two functions have the same name', names, changed({}), 'two functions have this name'],
    [
      'two functions claim the same route',
      [...names, 'second'],
      changed({ name: 'second', trigger: { kind: 'http', method: 'GET', path: '/docs', scope: null } }),
      'two functions claim GET /docs',
    ],
    [
      'a path names a parameter that is not declared',
      [...names, 'second'],
      changed({
        name: 'second',
        trigger: { kind: 'http', method: 'GET', path: '/x/{id}', scope: null },
        params: undefined,
      }),
      'the path has {id}',
    ],
    [
      'an event is consumed but no function emits it',
      [...names, 'second'],
      changed({ name: 'second', trigger: { kind: 'event', type: 'freeface.nothing.v1', topic: 'freeface.events' } }),
      'freeface.nothing.v1 is consumed but no function emits it',
    ],
  ])('When %s, then the generator refuses', (_, folders, definitions, message) => {
    expect(() => checkManifests(folders, definitions)).toThrow(message);
  });
});
