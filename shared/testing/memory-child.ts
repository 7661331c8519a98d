import { readFileSync } from 'node:fs';
import { openExtractor } from '../adapters/in-process-extractor.ts';
import { AppError } from '../errors.ts';
import { decodeOpened, openImage } from '../vision/decode.ts';

export interface MemoryTask {
  readonly files: readonly string[];
  /** `decode`: decodes the first file alone. `extract`: extracts all files at the same time. */
  readonly task: 'decode' | 'extract';
  readonly dataDir: string;
}

export interface MemoryReport {
  /** Highest resident memory of the process, in bytes. */
  readonly peak: number;
  /** Resident memory before the task, in bytes. */
  readonly before: number;
  /** Estimate for the first file, in bytes. */
  readonly estimate: number;
  /** `ok` or the error code of each file. */
  readonly outcomes: readonly string[];
}

const memoryLine = (name: string): number =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]);

/** Measures the memory of a task in a process of its own. Argument: a MemoryTask as JSON. Prints a MemoryReport as JSON. */
async function main({ files, task, dataDir }: MemoryTask): Promise<MemoryReport> {
  const photos = files.map((file) => readFileSync(file));
  const outcomeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'ok',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  if (task === 'decode') {
    const opened = await openImage(photos[0]!, { maxBytes: 1e9, maxPixels: 1e9, maxMemory: 1e10 });
    const before = memoryLine('VmRSS');
    const outcomes = [await outcomeOf(decodeOpened(opened))];
    return { peak: memoryLine('VmHWM'), before, estimate: opened.cost.bytes, outcomes };
  }
  const extractor = openExtractor({ packs: ['builtin'], modelsDir: 'models', dataDir, threads: 2 });
  await extractor.ready();
  const before = memoryLine('VmRSS');
  const outcomes = await Promise.all(photos.map((photo) => outcomeOf(extractor.extract(photo))));
  await extractor.close();
  return { peak: memoryLine('VmHWM'), before, estimate: 0, outcomes };
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2]!) as MemoryTask)));
