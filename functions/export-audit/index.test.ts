import { request } from 'node:http';
import { expect, it } from 'vitest';
import { type AuditLine, createChainVerifier } from '../../shared/domain/audit-chain.ts';
import { newAuditEntry } from '../../shared/ports/audit.contract.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { sightless, sightlessOptions } from '../../shared/testing/logins.ts';
import { startPlatform, type TestPlatform } from '../../shared/testing/platform.ts';

it('When the log is exported, then it has every entry, oldest first, and the chain can be verified', async () => {
  const platform = await startPlatform(sightless, sightlessOptions);
  await fill(platform, 1500);

  const answer = await platform.call('GET', '/api/v1/audit/export');

  const lines = linesOf(answer.bytes);
  const verifier = createChainVerifier();
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
  expect(lines.map((line) => verifier.add(line)).filter((broken) => broken !== null)).toEqual([]);
  expect(lines.length).toBe(1501);
  expect(lines.at(-1)).toMatchObject({ action: 'export-audit', status: 200, sequence: 1501 });
});

it('When the log is exported with filters, then it has only the entries that match', async () => {
  const platform = await startPlatform(sightless, sightlessOptions);
  await fill(platform, 10);

  const of = async (query: string) => linesOf((await platform.call('GET', `/api/v1/audit/export?${query}`)).bytes);

  expect((await of('person_id=person-3')).map(({ sequence }) => sequence)).toEqual([4, 11]);
  expect((await of('actor=key:even&action=get-person')).map(({ sequence }) => sequence)).toEqual([1, 3, 5, 7, 9]);
  expect(await of('from=2099-01-01T00:00:00Z')).toEqual([]);
});

it('When a client disconnects during a long export, then the export ends and the platform keeps working', async () => {
  const platform = await startPlatform(sightless, sightlessOptions);
  await fill(platform, 8000);

  await new Promise<void>((resolve, reject) => {
    const asking = request(
      `${platform.url}/api/v1/audit/export`,
      { headers: { authorization: `Bearer ${platform.adminKey}` } },
      (response) => response.once('data', () => asking.destroy()).once('close', resolve),
    );
    asking.once('error', reject).end();
  });

  expect((await platform.call('GET', '/api/v1/audit?limit=1')).status).toBe(200);
});

const linesOf = (bytes: Uint8Array): AuditLine[] =>
  Buffer.from(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditLine);

async function fill({ ports }: TestPlatform, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      ports.audit.append(
        defaultTenant,
        newAuditEntry({
          actor: i % 2 === 0 ? 'key:even' : 'key:odd',
          subjects: { persons: [`person-${i}`], faces: [], images: [], more: 0 },
        }),
      ),
    ),
  );
}
