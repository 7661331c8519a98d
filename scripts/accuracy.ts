import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openExtractor } from '../shared/adapters/in-process-extractor.ts';
import { readConfig } from '../shared/config.ts';
import { measureAccuracy, measureGroups } from './bench/accuracy.ts';

/** `npm run accuracy -- --pack NAME [--photos DIR] [--groups]`: prints the result of bench/accuracy.ts as JSON. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pack: { type: 'string', default: 'builtin' },
      photos: { type: 'string' },
      data: { type: 'string', default: '.freeface' },
      models: { type: 'string', default: 'models' },
      groups: { type: 'boolean', default: false },
    },
  });
  const folder = resolve(values.photos ?? join(process.env.FREEFACE_SHARED ?? '../shared', 'photos'));
  if (!existsSync(folder)) throw new Error(`There is no folder ${folder}. Set the folder of photos with --photos DIR.`);
  const { executionProvider, threads } = readConfig(process.env);
  const extractor = openExtractor({
    executionProvider,
    threads,
    packs: [values.pack],
    modelsDir: resolve(values.models),
    dataDir: resolve(values.data),
  });
  const report = values.groups
    ? await measureGroups(extractor, folder, (file, found, [least, most]) => {
        if (found < least || found > most) console.log(`${file}: ${found} faces found, ${least} to ${most} expected`);
      })
    : await measureAccuracy(extractor, folder);
  console.log(JSON.stringify(report, null, 2));
  await extractor.close();
}

await main();
