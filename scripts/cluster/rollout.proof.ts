import { expect, it } from 'vitest';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { call } from './client.ts';
import { kubectl, podsOf, saw, until } from './kubernetes.ts';

it('When a new revision is rolled out under load, then no request is lost', async () => {
  const name = 'list-persons';
  const before = await revisionOf(name);
  const statuses: number[] = [];
  let stopping = false;
  const caller = async () => {
    while (!stopping) statuses.push((await call('GET', '/api/v1/persons?limit=1').catch(() => ({ status: 0 }))).status);
  };
  const callers = Array.from({ length: 4 }, caller);
  await until('the load runs', async () => statuses.length > 50);
  const patch = { spec: { template: { metadata: { annotations: { 'proof/rollout': new Date().toISOString() } } } } };
  await kubectl('patch', 'ksvc', name, '--type', 'merge', '--patch', JSON.stringify(patch));
  const after = await until('the new revision is served', async () => {
    const now = await revisionOf(name);
    return now !== before && now;
  });
  const atSwitch = statuses.length;
  await until(
    'the old instances are gone',
    async () => (await podsOf(name)).every(({ metadata }) => metadata.labels['serving.knative.dev/revision'] === after),
    180,
  );
  await until('more were answered', async () => statuses.length > atSwitch + 50);
  stopping = true;
  await Promise.all(callers);

  const wrong = statuses.filter((status) => status !== 200);
  saw(`${before} → ${after}: ${statuses.length} requests, ${wrong.length} of them not answered 200`);
  expect(wrong).toEqual([]);
});

it('When an instance is told to stop, then what it has begun is answered first', async () => {
  const name = 'recognize-faces';
  const image = await drawPortrait({ person: 'amaro' });
  const ask = () => call('POST', '/api/v1/faces/recognize', { form: { image } });
  await ask();
  const [pod] = (await podsOf(name)).filter(({ status }) => status.phase === 'Running');
  const log = kubectl('logs', pod!.metadata.name, '--container', 'function', '--follow', '--tail', '0').catch((error) =>
    String(error),
  );
  const answers = Array.from({ length: 8 }, ask);
  await until('it works', async () => (await Promise.race([Promise.any(answers), 'busy'])) !== undefined);
  await kubectl('delete', 'pod', pod!.metadata.name, '--wait=false');
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  const lines = (await log).trim().split('\n').slice(-2);

  saw(`8 requests while it stops: ${statuses.join(' ')}; its last lines: ${lines.join(' ')}`);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(lines.at(-1)).toContain('"msg":"stopped"');
});

const revisionOf = (name: string): Promise<string> =>
  kubectl('get', 'ksvc', name, '--output', 'jsonpath={.status.traffic[0].revisionName}');
