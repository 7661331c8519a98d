import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { type Config, readConfig } from '../shared/config.ts';
import { openBareRuns } from './bench/bare-runs.ts';
import { builtFunctions, measureColdStart } from './bench/cold-start.ts';
import { measureLatency } from './bench/latency.ts';
import { photoSet } from './bench/photos.ts';
import { dataFolders, residentMegabytes, type Started, start } from './bench/platform.ts';
import { type Row, table } from './bench/rows.ts';
import { measureThroughput } from './bench/throughput.ts';

const sections = ['latency', 'throughput', 'memory', 'cold-start', 'vectors', 'accuracy'] as const;
type Section = (typeof sections)[number];

const usage = `Usage: npm run bench [-- OPTIONS]

Measures this machine and writes a table, and the same as JSON to bench.json. Time is always held against something that was
measured beside it in the same run, since machines are noisy: trust the ratios.

  --only A,B      some of: ${sections.join(', ')}
  --quick         fewer photos and rounds
  --photos DIR    folder with labelled photos (default $FREEFACE_SHARED/photos or ../shared/photos); without one time is
                  measured on drawn portraits, and accuracy is left out
  --out FILE      default bench.json

The model pack is that of FREEFACE_MODEL_PACK; its weights are taken from, or made in, FREEFACE_DATA. Functions that
\`npm run build\` has built take part in cold-start.
`;

/** The whole platform, as \`npm start\` runs it. */
const platform = ['esbuild.config.mjs', 'run', 'start'];
const platformReady = { say: /ready at (http:\S+)/, path: '/api/v1/health' };
/** One for each kind of work, in the order of what they load. */
const sampledFunctions = ['get-liveness', 'get-person', 'list-persons', 'search-faces', 'detect-faces', 'enroll-face'];

interface Settings {
  readonly only: readonly Section[];
  readonly quick: boolean;
  readonly photos: string | null;
  readonly config: Config;
}

async function main(): Promise<void> {
  loadEnvironment({ quiet: true });
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: sections.join(',') },
      quick: { type: 'boolean', default: false },
      photos: { type: 'string' },
      out: { type: 'string', default: 'bench.json' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const folder = resolve(values.photos ?? join(process.env.FREEFACE_SHARED ?? '../shared', 'photos'));
  const settings: Settings = {
    only: values.only.split(',').map(sectionOf),
    quick: values.quick,
    photos: existsSync(folder) ? folder : null,
    config: readConfig(process.env),
  };
  const loadBefore = loadavg()[0]!;
  const rows = await measure(settings);
  const machine = {
    cpu: cpus()[0]?.model.trim(),
    cores: availableParallelism(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore,
    loadAfter: loadavg()[0]!,
    pack: settings.config.packs[0],
  };
  const { cpu, cores, node, pack } = machine;
  console.log(
    `\n${cpu}, ${cores} cores, Node ${node}, pack ${pack}, load ${loadBefore.toFixed(1)} before and ${machine.loadAfter.toFixed(1)} after\n`,
  );
  console.log(table(rows));
  await writeFile(values.out, `${JSON.stringify({ at: new Date().toISOString(), machine, rows }, null, 2)}\n`);
  console.log(`\nWritten to ${values.out}`);
}

async function measure(settings: Settings): Promise<Row[]> {
  const { only, quick, config } = settings;
  const folders = await dataFolders(config);
  const rows: Row[] = [];
  const step = async (section: Section, run: () => Promise<Row[]>) => {
    if (!only.includes(section)) return;
    process.stderr.write(`measuring ${section} …\n`);
    rows.push(...(await run()));
  };
  try {
    if ((['latency', 'throughput', 'memory'] as const).some((section) => only.includes(section)))
      rows.push(...(await measurePlatform(settings, folders.fresh())));
    await step('cold-start', () =>
      measureColdStart({
        dataFolders: folders.fresh,
        platform,
        functions: builtFunctions(sampledFunctions),
        rounds: quick ? 3 : 7,
      }),
    );
    await step('vectors', () => measureVectorRows(quick));
    await step('accuracy', () => measureAccuracyRows(settings));
  } finally {
    folders.dispose();
  }
  return rows;
}

async function measurePlatform({ only, quick, photos: folder, config }: Settings, dataDir: string): Promise<Row[]> {
  const rows: Row[] = [];
  const [warmUp, counted] = quick ? [4, 12] : [10, 60];
  const several = quick ? 60 : 300;
  const { photos, source } = await photoSet(folder, warmUp + counted + several);
  const bare = await openBareRuns(config);
  const environment = { FREEFACE_DATA: dataDir, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
  const server = await start(platform, { environment, ...platformReady });
  try {
    if (only.includes('memory')) rows.push(...memoryRow(server, 'idle after its start, models loaded'));
    if (only.includes('latency')) {
      process.stderr.write(`measuring latency (${source}) …\n`);
      rows.push(...(await measureLatency(server.url, photos.slice(0, warmUp + counted), bare, warmUp)));
    }
    if (only.includes('throughput')) {
      process.stderr.write(`measuring throughput (${source}) …\n`);
      rows.push(...(await measureThroughput(server.url, photos.slice(warmUp + counted), bare)));
    }
    if (only.includes('memory') && rows.length > 1) rows.push(...memoryRow(server, 'idle after the load above'));
  } finally {
    await server.stop();
    await bare.close();
  }
  return rows;
}

function memoryRow({ child }: Started, name: string): Row[] {
  const value = residentMegabytes(child.pid!);
  return value === null ? [] : [{ section: 'memory', name, value, unit: 'MB', goal: { atMost: 400 } }];
}

async function measureVectorRows(_quick: boolean): Promise<Row[]> {
  return [];
}

/** By import() into a chunk of its own: it is a script as well. */
async function measureAccuracyRows({ photos, config }: Settings): Promise<Row[]> {
  if (photos === null) {
    process.stderr.write('no labelled photos: accuracy is left out\n');
    return [];
  }
  const { measureAccuracy } = await import('./bench/accuracy.ts');
  const { openExtractor } = await import('../shared/adapters/embedded/extractor.ts');
  const extractor = openExtractor(config);
  try {
    const report = await measureAccuracy(extractor, photos);
    const row = (name: string, value: number, goal?: Row['goal'], unit = '%'): Row => ({
      section: 'accuracy',
      name,
      value: unit === '%' ? value * 100 : value,
      unit,
      goal,
    });
    return [
      row('verification, 1:1', report.verification, { atLeast: 99.1 }),
      row(`rank 1 of ${report.openSet.gallerySize}`, report.openSet.rankOne),
      row('FNIR at FPIR 1 %', report.openSet.fnirAtFpir1Percent, { atMost: 21 }),
      ...report.openSet.promised.flatMap(({ fpir, fpirMeasured, fnir }) => [
        row(`FPIR where ${fpir * 100} % is promised`, fpirMeasured, { atMost: fpir * 100 }),
        row(`FNIR there`, fnir),
      ]),
      row('photos without a face found', report.photosWithoutFace / report.photos, { atMost: 0.1 }),
      row('faces found, groups to 10', report.groupFaces.upTo10, { atLeast: 95 }),
      row('faces found, groups over 10', report.groupFaces.over10, { atLeast: 93 }),
      row('false faces on pictures without', report.falseFacesOnPicturesWithout, { atMost: 0 }, ''),
      row('photos a CPU second', report.photosPerCpuSecond, { atLeast: 25 }, ''),
    ];
  } finally {
    await extractor.close();
  }
}

function sectionOf(name: string): Section {
  const section = sections.find((known) => known === name);
  if (!section) throw new Error(`There is no section ${name}; there are ${sections.join(', ')}.`);
  return section;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
