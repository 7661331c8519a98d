import { expect, it } from 'vitest';
import { drawPortrait } from '../../shared/testing/portraits/index.ts';
import { send } from '../../shared/testing/send.ts';
import { call } from './client.ts';
import { kubectl, type Pod, podsOf, saw, until } from './kubernetes.ts';

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

it('When an instance must stop, then it first answers the requests that it has started', async () => {
  const name = 'recognize-faces';
  // Each photo is used once. A repeated photo is answered from the cache, so fast that no request is in progress at the stop.
  const images = await Promise.all(Array.from({ length: 96 }, (_, scene) => drawPortrait({ person: 'amaro', scene })));
  let next = 0;
  const ask = () => call('POST', '/api/v1/faces/recognize', { form: { image: images[next++ % images.length]! } });
  await ask();
  const [pod] = (await podsOf(name)).filter(({ status }) => status.phase === 'Running');
  const log = kubectl('logs', pod!.metadata.name, '--container', 'function', '--follow').catch(String);
  const statuses: number[] = [];
  let isStopping = false;
  const caller = async () => {
    while (!isStopping) statuses.push((await ask()).status);
  };
  const callers = Array.from({ length: 8 }, caller);
  const underWay = await until('the instance works', async () => (await inFlight(pod!)) || null);
  await kubectl('delete', 'pod', pod!.metadata.name, '--wait=false');
  const stopTime = new Date().toISOString();
  isStopping = true;
  await Promise.all(callers);
  const lines = (await log).trim().split('\n');
  const afterwards = lines.filter((line) => line.includes('"msg":"answered"') && timeOf(line) > stopTime);

  saw(
    `${statuses.length} requests of 8 callers; an instance with ${underWay} in progress had to stop and answered ${afterwards.length} afterwards; its last line: ${lines.at(-1)}`,
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(afterwards.length).toBeGreaterThan(0);
  expect(lines.at(-1)).toContain('"msg":"stopped"');
});

/** Returns the number of requests in progress in an instance, from its own metrics. */
async function inFlight({ status }: Pod): Promise<number> {
  const { bytes } = await send(`http://${status.podIP}:8080`, 'GET', '/metrics');
  const [, count] = /^freeface_requests_in_flight\{[^}]*\} (\d+)$/m.exec(Buffer.from(bytes).toString()) ?? [];
  return Number(count ?? 0);
}

/** Returns the time of a log line; empty if the line is not a log line. */
const timeOf = (line: string): string => /"time":"([^"]+)"/.exec(line)?.[1] ?? '';

const revisionOf = (name: string): Promise<string> =>
  kubectl('get', 'ksvc', name, '--output', 'jsonpath={.status.traffic[0].revisionName}');
