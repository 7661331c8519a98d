import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { openExtractor } from '../shared/adapters/in-process-extractor.ts';
import { type Config, readConfig } from '../shared/config.ts';
import { measureAccuracyRows } from './bench/accuracy-rows.ts';
import { openBareRuns } from './bench/bare-runs.ts';
import { builtFunctions, measureColdStart } from './bench/cold-start.ts';
import { measureDistributed } from './bench/distributed.ts';
import { measureEvents } from './bench/events.ts';
import { measureHeavyPhotos } from './bench/heavy.ts';
import { measureLanes } from './bench/lanes.ts';
import { measureLatency } from './bench/latency.ts';
import { measureListing } from './bench/listing.ts';
import { photoSet } from './bench/photos.ts';
import { measurePipeline } from './bench/pipeline.ts';
import { dataFolders, residentMegabytes, type Started, start } from './bench/platform.ts';
import { type Row, table } from './bench/rows.ts';
import { measureThroughput } from './bench/throughput.ts';
import { measureVectors } from './bench/vectors.ts';

const sections = [
  'latency',
  'throughput',
  'memory',
  'lanes',
  'cold-start',
  'events',
  'vectors',
  'listing',
  'distributed',
  'pipeline',
  'accuracy',
] as const;
type Section = (typeof sections)[number];

const usage = `Usage: npm run bench [-- OPTIONS]

Measures the platform on this machine. Prints a table, and writes the same data as JSON to bench.json. Absolute times vary on a
busy machine, so most times are compared with a baseline from the same run. Trust the ratios more than the times.

  --only A,B      some of: ${sections.join(', ')}
  --quick         fewer photos and rounds
  --photos DIR    folder with labelled photos (default $FREEFACE_SHARED/photos or ../shared/photos). If there is no such folder,
                  times are measured with drawn portraits, and accuracy is skipped
  --out FILE      output file (default bench.json)

FREEFACE_MODEL_PACK names the model pack. Its weights are read from FREEFACE_DATA, or created there. The section cold-start
measures only functions that \`npm run build\` has built.
`;

/** The whole platform: the command of `npm start`, and the bundle. */
const platform = ['esbuild.config.mjs', 'run', 'start'];
const bundledPlatform = ['.build/start/start.js'];
const platformReady = { say: /ready at (http:\S+)/, path: '/api/v1/health' };
/** One function for each kind of work, sorted by how much code they load. */
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
  const { only, quick, photos, config } = settings;
  const folders = await dataFolders(config);
  const rows: Row[] = [];
  const step = async (section: Section, run: () => Promise<Row[]>) => {
    if (!only.includes(section)) return;
    process.stderr.write(`measuring ${section} …\n`);
    rows.push(...(await run()));
  };
  try {
    if ((['latency', 'throughput', 'memory', 'lanes'] as const).some((section) => only.includes(section)))
      rows.push(...(await measurePlatform(settings, folders.fresh())));
    await step('cold-start', () =>
      measureColdStart({
        dataFolders: folders.fresh,
        platform,
        functions: builtFunctions(sampledFunctions),
        rounds: quick ? 3 : 7,
      }),
    );
    await step('events', () => measureEvents({ quick, dataDir: folders.fresh() }));
    await step('vectors', () => measureVectors({ quick }));
    await step('distributed', () => measureModes(settings, folders.fresh));
    await step('listing', () => measureListing({ quick, dataDir: folders.fresh(), scylla: scyllaOf(config) }));
    await step('pipeline', () => measurePipeline(folders.fresh(), { quick }));
    if (photos === null) process.stderr.write('accuracy is skipped: there are no labelled photos\n');
    else await step('accuracy', () => measureAccuracyRows(photos, config));
  } finally {
    folders.dispose();
  }
  return rows;
}

/** Measures both modes with the same photos. */
async function measureModes({ quick, photos: folder }: Settings, freshFolder: () => string): Promise<Row[]> {
  const [warmUp, counted] = quick ? [4, 12] : [10, 60];
  const { photos } = await photoSet(folder, warmUp + counted);
  execFileSync(process.execPath, ['esbuild.config.mjs', 'bundle', 'start']);
  return await measureDistributed({
    start: (environment) =>
      start(bundledPlatform, {
        environment: { ...serverEnvironment(freshFolder()), ...environment },
        ...platformReady,
      }),
    photos,
    warmUp,
  });
}

const serverEnvironment = (dataDir: string) => ({
  FREEFACE_DATA: dataDir,
  PORT: '0',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  FREEFACE_RATE_LIMIT_PER_KEY: '0',
  FREEFACE_RATE_LIMIT_PER_ADDRESS: '0',
});

async function measurePlatform({ only, quick, photos: folder, config }: Settings, dataDir: string): Promise<Row[]> {
  const rows: Row[] = [];
  // The first photos warm up the server: V8 still compiles the hot code.
  const [warmUp, counted] = quick ? [4, 12] : [60, 200];
  const parallel = quick ? 60 : 300;
  const { photos, source } = await photoSet(folder, warmUp + counted + parallel);
  const bare = await openBareRuns(config);
  const extractor = openExtractor({ ...config, dataDir });
  const environment = serverEnvironment(dataDir);
  execFileSync(process.execPath, ['esbuild.config.mjs', 'bundle', 'start']);
  const server = await start(bundledPlatform, { environment, ...platformReady });
  try {
    if (only.includes('memory')) rows.push(...memoryRow(server, 'idle after the start, models loaded'));
    if (only.includes('latency')) {
      process.stderr.write(`measuring latency (${source}) …\n`);
      rows.push(...(await measureLatency({ server, extractor, bare }, photos.slice(0, warmUp + counted), warmUp)));
    }
    if (only.includes('throughput')) {
      process.stderr.write(`measuring throughput (${source}) …\n`);
      rows.push(...(await measureThroughput(server, photos.slice(warmUp + counted), bare)));
    }
    if (only.includes('lanes')) {
      process.stderr.write(`measuring lanes (${source}) …\n`);
      rows.push(...(await measureLanes(server, photos, bare, { quick })));
    }
    if (only.includes('memory')) rows.push(...(await measureHeavyPhotos(server, { quick })));
    if (only.includes('memory') && rows.length > 1)
      rows.push(...memoryRow(server, 'idle after the measurements above'));
  } finally {
    await server.stop();
    await extractor.close();
    await bare.close();
  }
  return rows;
}

const scyllaOf = ({ engines }: Config) => (engines.missing(['scylla']).length > 0 ? null : engines.scylla);

function memoryRow({ child }: Started, name: string): Row[] {
  const value = residentMegabytes(child.pid!);
  return value === null ? [] : [{ section: 'memory', name, value, unit: 'MB', goal: { atMost: 400 } }];
}

function sectionOf(name: string): Section {
  const section = sections.find((known) => known === name);
  if (!section) throw new Error(`There is no section ${name}. Use one of ${sections.join(', ')}.`);
  return section;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
