import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { common } from '../../../esbuild.config.mjs';
import { auditLine, createChainVerifier, hashOfEntry } from '../../domain/audit-chain.ts';
import { auditContract, newAuditEntry } from '../../ports/audit.contract.ts';
import type { AuditEntry } from '../../ports/audit.ts';
import { asTenant } from '../../ports/tenant.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openAudit } from './audit.ts';
import { openAuditFile } from './audit-file.ts';

auditContract({
  name: 'embedded audit log',
  open: async (clock) => {
    const dataDir = temporaryFolder();
    let audit = await openAudit({ dataDir, clock });
    onTestFinished(() => audit.close());
    return {
      audit,
      reopen: async () => {
        await audit.close();
        audit = await openAudit({ dataDir, clock });
        return audit;
      },
    };
  },
});

const tenant = asTenant('default');
const clock = fakeClock();

describe('an audit log that was changed in the file', () => {
  it.each([
    ['a field is changed', "UPDATE audit_entries SET actor = 'user:innocent' WHERE sequence = 3", 'changed', 3],
    ['the time is changed', 'UPDATE audit_entries SET at = 9e15 WHERE sequence = 3', 'changed', 3],
    ['the subjects are damaged', "UPDATE audit_entries SET subjects = '{' WHERE sequence = 3", 'changed', 3],
    ['the first entry is removed', 'DELETE FROM audit_entries WHERE sequence = 1', 'missing', 2],
    ['two in the middle are removed', 'DELETE FROM audit_entries WHERE sequence IN (3, 4)', 'missing', 5],
    [
      'one is removed and the others get new numbers',
      'DELETE FROM audit_entries WHERE sequence = 3; UPDATE audit_entries SET sequence = sequence - 1 WHERE sequence > 3',
      'changed',
      3,
    ],
    [
      'two are swapped',
      'UPDATE audit_entries SET sequence = -sequence WHERE sequence IN (4, 6); UPDATE audit_entries SET sequence = 10 + sequence WHERE sequence < 0',
      'changed',
      4,
    ],
    ['all entries get another tenant', "UPDATE audit_entries SET tenant = 'other'", 'changed', 1],
  ])('When %s, then verification names the first wrong entry', async (_, sql, kind, sequence) => {
    const dataDir = await folderWithEntries(6);

    changeFile(dataDir, sql);

    expect(await firstBreak(dataDir)).toMatchObject({ kind, where: { sequence } });
  });

  it('When an entry is forged and hashed again, then verification names the next entry as unlinked', async () => {
    const dataDir = await folderWithEntries(3);
    const [, second] = await read(dataDir);
    const { hash: _, ...content } = { ...second!, actor: 'user:innocent' };

    changeFile(
      dataDir,
      `UPDATE audit_entries SET actor = 'user:innocent', hash = '${hashOfEntry(tenant, content)}' WHERE sequence = 2`,
    );

    expect(await firstBreak(dataDir)).toMatchObject({ kind: 'unlinked', where: { sequence: 3 } });
  });

  it('When the index of subjects is changed, then the wrong rows are counted', async () => {
    const dataDir = await folderWithEntries(3);
    const file = openAuditFile(dataDir);
    const before = file.wronglyIndexed(tenant);

    changeFile(
      dataDir,
      "DELETE FROM audit_subjects WHERE sequence = 2; UPDATE audit_subjects SET id = 'x' WHERE sequence = 3",
    );

    expect([before, file.wronglyIndexed(tenant)]).toEqual([0, 4]);
    await file.close();
  });

  it.each([
    'UPDATE audit_entries SET status = 200',
    'DELETE FROM audit_entries',
    'INSERT INTO audit_entries SELECT tenant, 9, chain, at, action, actor, actor_name, subjects, status, code, address, request_id, details, previous, hash FROM audit_entries WHERE sequence = 1',
    'UPDATE audit_subjects SET at = 0',
    'DELETE FROM audit_subjects',
  ])('When SQL changes the log (%s), then the database refuses', async (sql) => {
    const dataDir = await folderWithEntries(3);
    const database = new Libsql(join(dataDir, 'audit.db'));

    expect(() => database.exec(sql)).toThrow('append-only');
    database.close();
  });
});

it('When the process is killed while it appends, then all acknowledged entries exist, in an unbroken chain', async () => {
  const dataDir = temporaryFolder();
  const outfile = join(process.cwd(), '.build', 'audit-kill-test', 'child.mjs');
  await build({
    ...common,
    splitting: false,
    entryPoints: [fileURLToPath(new URL('../../testing/audit-kill-child.ts', import.meta.url))],
    outfile,
  });
  let acknowledged = 0;

  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [outfile, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) {
      acknowledged = Number(line);
      if (acknowledged % 400 === 0) child.kill('SIGKILL');
    }
    await gone;
  }

  const entries = await read(dataDir);
  expect(acknowledged).toBeGreaterThan(1000);
  expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
  expect(await firstBreak(dataDir)).toBeNull();
});

it('When the log is open, then another process can verify it at the same time', async () => {
  const dataDir = temporaryFolder();
  const audit = await openAudit({ dataDir, clock });
  onTestFinished(() => audit.close());
  await audit.append(tenant, newAuditEntry());

  expect(await firstBreak(dataDir)).toBeNull();
  expect((await audit.append(tenant, newAuditEntry())).sequence).toBe(2);
});

async function folderWithEntries(count: number): Promise<string> {
  const dataDir = temporaryFolder();
  const audit = await openAudit({ dataDir, clock });
  const subjects = { persons: ['p'], faces: ['f'], images: [], more: 0 };
  for (let i = 0; i < count; i++) {
    await audit.append(tenant, newAuditEntry({ subjects: i === 2 ? { ...subjects, faces: [] } : subjects }));
  }
  await audit.close();
  return dataDir;
}

/** Changes the file like a person who has write access to it. */
function changeFile(dataDir: string, sql: string): void {
  const database = new Libsql(join(dataDir, 'audit.db'));
  for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all() as {
    name: string;
  }[])
    database.exec(`DROP TRIGGER ${name}`);
  database.exec(sql);
  database.close();
}

async function read(dataDir: string): Promise<AuditEntry[]> {
  const file = openAuditFile(dataDir);
  const entries: AuditEntry[] = [];
  for (const each of await file.tenants()) for await (const entry of file.chains(each)) entries.push(entry);
  await file.close();
  return entries;
}

async function firstBreak(dataDir: string) {
  const file = openAuditFile(dataDir);
  try {
    const verifier = createChainVerifier();
    for (const each of await file.tenants()) {
      for await (const entry of file.chains(each)) {
        const broken = verifier.add(auditLine(each, entry));
        if (broken !== null) return broken;
      }
    }
    return null;
  } finally {
    await file.close();
  }
}
