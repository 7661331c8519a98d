import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openAudit } from '../shared/adapters/embedded/audit.ts';
import { auditLine } from '../shared/domain/audit-chain.ts';
import { newAuditEntry } from '../shared/ports/audit.contract.ts';
import { asTenant } from '../shared/ports/tenant.ts';
import { fakeClock } from '../shared/testing/fake-clock.ts';
import { temporaryFolder } from '../shared/testing/temporary-folder.ts';
import { main } from './verify-audit.ts';

it('When the log is complete, then it is verified and the heads are printed, for a folder and for an export', async () => {
  const { dataDir, file, heads } = await logOf({ acme: 3, other: 2 });

  const ofFolder = await run(['--data', dataDir, ...heads.flatMap((head) => ['--head', head])]);
  const ofFile = await run(['--file', file]);

  expect([ofFolder.code, ofFile.code]).toEqual([0, 0]);
  for (const { text } of [ofFolder, ofFile]) {
    expect(text).toContain('5 entries in 2 chains: verified.');
    for (const head of heads) expect(text).toContain(head);
  }
});

it.each([
  [
    'a line is changed',
    (lines: string[]) => lines.with(1, lines[1]!.replace('get-person', 'get-image')),
    'entry 2: it was changed',
  ],
  [
    'a field is added',
    (lines: string[]) => lines.with(1, lines[1]!.replace('{', '{"more":1,')),
    'entry 2: it was changed',
  ],
  ['a line is removed', (lines: string[]) => lines.toSpliced(1, 1), 'entry 3: entry 2 is missing'],
  ['two lines are exchanged', ([a, b, c]: string[]) => [b!, a!, c!], 'entries 1 to 1 are missing|entry 1 is missing'],
  ['a line is repeated', (lines: string[]) => [...lines, lines[2]!], 'entry 3: it follows entry 3'],
  ['a line is not an entry', (lines: string[]) => [...lines, '{"sequence":"4"}'], 'Line 4 is not an entry'],
])('When %s, then the log is reported as broken', async (_, change, message) => {
  const { file } = await logOf({ acme: 3 });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, change(lines).join('\n'));

  const { code, text } = await run(['--file', file]);

  expect(code).toBe(1);
  expect(text).toMatch(new RegExp(message));
  expect(text).toContain('BROKEN');
});

it('When entries at the end were removed, then only a stored head shows it', async () => {
  const { file, heads } = await logOf({ acme: 3 });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, lines.slice(0, 2).join('\n'));

  const withoutHead = await run(['--file', file]);
  const withHead = await run(['--file', file, '--head', heads[0]!]);

  expect(withoutHead.code).toBe(0);
  expect([withHead.code, withHead.text]).toEqual([1, expect.stringContaining('entries were removed at the end')]);
});

it.each([
  [['--head', '3'], 'is not SEQ:HASH'],
  [['--file', '/no/such/file'], 'There is no file'],
  [['--data', '/no/such/folder'], 'There is no /no/such/folder/audit.db'],
  [['--wrong'], "Unknown option '--wrong'"],
])('When it is called with %s, then the error says what is wrong', async (args, message) => {
  const { code, errors } = await run(args);

  expect([code, errors]).toEqual([2, expect.stringContaining(message)]);
});

/** A data folder with `counts` entries for each tenant, its export, and the heads. */
async function logOf(counts: Readonly<Record<string, number>>) {
  const dataDir = temporaryFolder();
  const audit = await openAudit({ dataDir, clock: fakeClock() });
  const lines: string[] = [];
  const heads: string[] = [];
  for (const [name, count] of Object.entries(counts)) {
    const tenant = asTenant(name);
    for (let i = 0; i < count; i++) {
      const entry = await audit.append(tenant, newAuditEntry({ actorName: 'Zoë' }));
      lines.push(JSON.stringify(auditLine(tenant, entry)));
      if (i === count - 1) heads.push(`${entry.sequence}:${entry.hash}`);
    }
  }
  await audit.close();
  const file = join(dataDir, 'audit.ndjson');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return { dataDir, file, heads };
}

async function run(args: readonly string[]) {
  const said = { text: '', errors: '' };
  const terminal = (key: keyof typeof said) => ({
    write(part: string | Uint8Array) {
      said[key] += String(part);
      return true;
    },
  });
  const code = await main(args, {}, { stdout: terminal('text'), stderr: terminal('errors') });
  return { code, ...said };
}
