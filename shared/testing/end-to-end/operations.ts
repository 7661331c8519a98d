import { expect, it } from 'vitest';
import { type AuditLine, createChainVerifier } from '../../domain/audit-chain.ts';
import { type Api, soon } from './api.ts';

export function operationCases(api: () => Api): void {
  it('When a caller without credentials reads health, keys and API page, then each responds and the platform is healthy', async () => {
    const { call } = api();
    const ask = (path: string) => call('GET', path, { as: null });

    const health = await ask('/api/v1/health');
    const live = await ask('/api/v1/health/live');
    const ready = await ask('/api/v1/health/ready');
    const keys = await ask('/.well-known/jwks.json');
    const page = await ask('/docs');
    const description = await ask('/openapi.json');

    expect(health.json.data.status).toBe('ok');
    expect(health.json.data.gallery.template_limit).toBeGreaterThan(0);
    expect(new Set(Object.values(health.json.data.stores))).toEqual(new Set(['ok']));
    expect([live.json.data.status, ready.json.data.status]).toEqual(['alive', 'ready']);
    expect(keys.json.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519' });
    expect(JSON.stringify(keys.json)).not.toContain('"d"');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(description.json.openapi).toMatch(/^3\./);
    expect(Object.keys(description.json.paths)).toContain('/api/v1/faces/recognize');
  });

  it('When the metrics are read, then the gallery counts belong to the tenant, and Prometheus gets the same numbers', async () => {
    const { call } = api();
    await call('POST', '/api/v1/persons', { json: { name: 'Counted' } });

    const { data } = (await call('GET', '/api/v1/metrics')).json;
    const text = await call('GET', '/api/v1/metrics/prometheus');

    const { persons } = data.gallery;
    expect(persons).toBeGreaterThan(0);
    expect(data.model.pack).toBe('builtin');
    expect(text.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(new TextDecoder().decode(text.bytes)).toMatch(new RegExp(`^freeface_gallery_persons ${persons}$`, 'm'));
    expect(new TextDecoder().decode(text.bytes)).toMatch(/^freeface_gallery_template_limit \d+$/m);
  });

  it('When a person was read and erased, then the audit log names the callers, and its export is a valid hash chain', async () => {
    const { call } = api();
    const { person_id } = (await call('POST', '/api/v1/persons', { json: { name: 'Looked at' } })).json.data;
    const looked = await call('GET', `/api/v1/persons/${person_id}`);
    await call('DELETE', `/api/v1/persons/${person_id}`);
    const entries = async () =>
      (await call('GET', `/api/v1/audit?person_id=${person_id}&limit=50`)).json.data.entries.filter(
        ({ status }: { status: number }) => status !== 102,
      );

    await soon(async () => (await entries()).map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['erase-person', 'get-person', 'create-person']),
    );
    const exported = await call('GET', '/api/v1/audit/export');

    const seen = (await entries()).find(({ action }: { action: string }) => action === 'get-person');
    expect(seen).toMatchObject({
      request_id: looked.headers.get('x-request-id'),
      status: 200,
      actor: expect.stringMatching(/^key:/),
    });
    const lines = new TextDecoder().decode(exported.bytes).trimEnd().split('\n');
    const verifier = createChainVerifier();
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.map((line) => verifier.add(JSON.parse(line) as AuditLine))).toEqual(lines.map(() => null));
  });
}
