import { parseArgs } from 'node:util';
import { runChaos } from '../shared/testing/chaos.ts';

/** `npm run chaos -- --events 20000`: see [Note: The chaos test]. Exit code 1 when anything is lost, doubled or miscounted. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '2000' },
      kills: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  });
  const events = Number(values.events);
  const kills = values.kills === undefined ? Math.max(3, Math.ceil(events / 800)) : Number(values.kills);
  const { wrong, ...numbers } = await runChaos({
    events,
    kills,
    seed: Number(values.seed),
    root: process.cwd(),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(numbers, null, 2)}\n`);
  for (const line of wrong.slice(0, 50)) process.stdout.write(`WRONG: ${line}\n`);
  process.stdout.write(wrong.length === 0 ? '0 lost, 0 doubled, all counted\n' : `${wrong.length} things are wrong\n`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

await main();
