import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { start } from './platform.ts';
import { median, type Row } from './rows.ts';

/** A Node process that only answers requests. */
const bareServer = [
  '-e',
  "const s = require('node:http').createServer((q, r) => r.end()); s.listen(0, '127.0.0.1', () => console.log('port ' + s.address().port));",
];

/**
 * Measures the time from the start of a process to its first 200 response: bare Node, each function's bundle under dist/functions, and
 * `npm start`. Each round starts every candidate once, so that all see the same load. Reports medians. `dataFolders` creates a data folder
 * with the weights.
 */
export async function measureColdStart({
  dataFolders,
  platform,
  functions,
  rounds,
}: {
  dataFolders: () => string;
  platform: readonly string[];
  functions: readonly string[];
  rounds: number;
}): Promise<Row[]> {
  const candidates = [
    { name: 'bare Node server', command: bareServer, say: /port (\d+)/, path: '/' },
    ...functions.map((name) => ({
      name: `function ${name}`,
      command: [join('dist', 'functions', name, 'index.js')],
      say: /"port":(\d+)/,
      path: '/health/readiness',
    })),
    { name: 'npm start, weights built', command: platform, say: /ready at (http:\S+)/, path: '/api/v1/health' },
  ];
  const folders = candidates.map(() => dataFolders());
  const times = candidates.map(() => [] as number[]);
  const spent = candidates.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { command, say, path }] of candidates.entries()) {
      const running = await start(command, {
        environment: { FREEFACE_DATA: folders[i]!, PORT: '0', LOG_LEVEL: 'info' },
        say,
        path,
      });
      times[i]!.push(running.readyMs);
      if (running.cpuMs !== null) spent[i]!.push(running.cpuMs);
      await running.stop();
    }
  }
  const [bareMs, bareCpu] = [median(times[0]!), median(spent[0]!)];
  return candidates.map(({ name }, i) => {
    const cpu = median(spent[i]!);
    return {
      section: 'cold start',
      name,
      value: median(times[i]!),
      unit: 'ms',
      baseline: i === 0 ? undefined : bareMs,
      ratio: i === 0 ? undefined : median(times[i]!) / bareMs,
      note: Number.isNaN(cpu) ? undefined : i === 0 ? `${cpu} ms CPU` : `${cpu - bareCpu} ms CPU above bare Node`,
    };
  });
}

/** Those of the given functions that have been built. */
export function builtFunctions(names: readonly string[]): string[] {
  const folder = join('dist', 'functions');
  const built = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => built.includes(name) && existsSync(join(folder, name, 'index.js')));
}
