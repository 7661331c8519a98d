import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openExtractor } from '../shared/adapters/in-process-extractor.ts';
import { embedPeople, listPeople } from './bench/people.ts';
import { calibrate } from './calibration/calibrate.ts';

const usage = `Usage: npm run calibrate -- --pack NAME --people DIR [--out FILE]

Measures the cosines of different people and of the same person with a model pack, and writes the pack's calibration: the
similarity scale, the identification thresholds and the expected miss rates. DIR must contain one folder of photos for each person,
and at least a few hundred people, many of them with two photos or more. No person may be in it twice under two names.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pack: { type: 'string' },
      people: { type: 'string' },
      out: { type: 'string' },
      name: { type: 'string', default: 'a folder of people' },
      data: { type: 'string', default: process.env.FREEFACE_DATA ?? '.freeface' },
      models: { type: 'string', default: 'models' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || !values.pack || !values.people) {
    console.log(usage);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  const modelsDir = resolve(values.models);
  const extractor = openExtractor({ packs: [values.pack], modelsDir, dataDir: resolve(values.data) });
  try {
    const folder = resolve(values.people);
    const files = await listPeople(folder);
    const { photos } = await embedPeople(extractor, folder, files, (done, of) => {
      if (done % 400 === 0) console.error(`${done} of ${of} embeddings`);
    });
    const date = new Date().toISOString().slice(0, 10);
    const text = await calibrate(photos, { pack: values.pack, dataSet: values.name, date }, console.error);
    const out = resolve(values.out ?? join(modelsDir, 'calibration', `${values.pack}.json`));
    await writeFile(out, text);
    console.error(`Written: ${out}`);
  } finally {
    await extractor.close();
  }
}

await main();
