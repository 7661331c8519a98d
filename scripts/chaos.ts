import { parseArgs } from 'node:util';
import { runChaos } from '../shared/testing/chaos/chaos.ts';
import { mayKillServers } from '../shared/testing/outages.ts';

/**
 * `npm run chaos -- --events 20000`; with `--mode distributed` it runs on the engines that the environment names. See [Note: The chaos
 * test]. Servers are killed only when FREEFACE_SERVERS is set. Exit code 1 when anything is lost, duplicated or miscounted.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '2000' },
      kills: { type: 'string' },
      'server-kills': { type: 'string' },
      mode: { type: 'string', default: 'embedded' },
      seed: { type: 'string', default: '1' },
    },
  });
  const events = Number(values.events);
  const kills = values.kills === undefined ? Math.max(3, Math.ceil(events / 800)) : Number(values.kills);
  const mode = values.mode;
  if (mode !== 'embedded' && mode !== 'distributed') throw new Error('--mode must be embedded or distributed');
  const mayKill = mode === 'distributed' && mayKillServers();
  if (mode === 'distributed' && !mayKill)
    process.stdout.write('FREEFACE_SERVERS is not set: no server will be killed\n');
  const serverKills = Number(values['server-kills'] ?? Math.max(6, Math.ceil(events / 400)));
  const { wrong, ...numbers } = await runChaos({
    events,
    kills,
    mode,
    serverKills: mayKill ? serverKills : 0,
    seed: Number(values.seed),
    root: process.cwd(),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(numbers, null, 2)}\n`);
  for (const line of wrong.slice(0, 50)) process.stdout.write(`WRONG: ${line}\n`);
  const verdict = wrong.length === 0 ? '0 lost, 0 duplicated, all counted\n' : `${wrong.length} errors\n`;
  // Exits explicitly: a client whose broker was killed may keep a connection open after its close.
  process.stdout.write(verdict, () => process.exit(wrong.length === 0 ? 0 : 1));
}

await main();
