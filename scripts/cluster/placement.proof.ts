import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { call, callService } from './client.ts';
import { apply, applyFolder, kubectl, podsOf, saw, until, untilGone } from './kubernetes.ts';

const folder = join('.build', 'cluster-gpu');
let node: string;
/** Revisions whose pods cannot be scheduled. They are deleted at the end, because Knative would wait for them. */
const unplaced: string[] = [];

/** Makes the only node part of the GPU pool: sets the label, the taint and the capacity for one card. There is no real card. */
beforeAll(async () => {
  node = (await kubectl('get', 'nodes', '--output', 'jsonpath={.items[0].metadata.name}')).trim();
  for (const name of ['extract-faces', 'list-persons']) await untilGone(name);
  await apply({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'nvidia' }, handler: 'runc' });
  await kubectl('label', 'node', node, 'pool=gpu', '--overwrite');
  const capacity = { status: { capacity: { 'nvidia.com/gpu': '1' } } };
  await kubectl('patch', 'node', node, '--subresource=status', '--type', 'merge', '--patch', JSON.stringify(capacity));
  await kubectl('taint', 'node', node, 'nvidia.com/gpu=present:NoSchedule', '--overwrite');
});

afterAll(async () => {
  await kubectl('taint', 'node', node, 'nvidia.com/gpu-');
  await kubectl('label', 'node', node, 'pool-');
  await applyFolder(join('.build', 'cluster'));
  for (const name of unplaced) await kubectl('delete', 'revision', name);
});

it('When the node is tainted, then only the extractor is scheduled there', async () => {
  await withComponent('extractor-gpu');
  await until(
    'the extractor answers',
    async () => (await callService('extract-faces', 'GET', '/health/readiness')).status === 200,
    240,
  );
  // Pods of an earlier revision may also wait to be scheduled.
  const extractor = await until('one extractor pod runs', async () =>
    (await podsOf('extract-faces')).find(({ status }) => status.phase === 'Running'),
  );
  const asked = call('GET', '/api/v1/persons?limit=1').catch(() => undefined);
  const other = await until('a pod of another function cannot be scheduled', async () => {
    const [pod] = await podsOf('list-persons');
    return pod?.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message;
  });

  saw(`extract-faces on ${extractor.spec.nodeName}, ${extractor.status.phase}; list-persons Pending: ${other}`);
  expect(extractor).toMatchObject({ spec: { nodeName: node }, status: { phase: 'Running' } });
  expect(other).toContain('taint');
  await kubectl('delete', 'pod', '--selector', 'serving.knative.dev/service=list-persons', '--wait=false');
  void asked;
});

it('When the extractor has no toleration, then it is Pending', async () => {
  const newest = () =>
    kubectl('get', 'ksvc', 'extract-faces', '--output', 'jsonpath={.status.latestCreatedRevisionName}');
  const before = await newest();
  const patch = [{ op: 'remove', path: '/spec/template/spec/tolerations' }];
  await kubectl('patch', 'ksvc', 'extract-faces', '--type', 'json', '--patch', JSON.stringify(patch));
  const revision = await until('the new revision', async () => {
    const now = await newest();
    return now !== before && now;
  });
  unplaced.push(revision);
  const why = await until('its pod cannot be scheduled', async () => {
    const pod = (await podsOf('extract-faces')).find(
      ({ metadata }) => metadata.labels['serving.knative.dev/revision'] === revision,
    );
    return pod?.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')?.message;
  });

  saw(`${revision} without the toleration is Pending: ${why}`);
  expect(why).toContain('taint');
});

/**
 * Applies the overlay of this proof with another component on top. The overlay has already changed the extractor with a component of
 * its own. The node has no real card, so the networks still run on processors.
 */
async function withComponent(name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const provider = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    // Only kustomize reads this; it is not applied.
    metadata: { name: 'provider', annotations: { 'config.kubernetes.io/local-config': 'true' } },
    data: { provider: 'cpu' },
  };
  await writeFile(join(folder, 'provider.yaml'), stringify(provider));
  const extractor = { group: 'serving.knative.dev', kind: 'Service', name: 'extract-faces' };
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['../cluster', 'provider.yaml'],
    components: [`../../knative/components/${name}`],
    // Starts an instance at once, so that the proof sees a pod that cannot be scheduled.
    patches: [
      {
        target: extractor,
        patch: stringify([
          {
            op: 'replace',
            path: '/spec/template/metadata/annotations/autoscaling.knative.dev~1initial-scale',
            value: '1',
          },
          // The same as in the overlay local, because the only node has few free resources.
          { op: 'replace', path: '/spec/template/spec/containers/0/resources/requests/cpu', value: '10m' },
        ]),
      },
    ],
    replacements: [
      {
        source: { kind: 'ConfigMap', name: 'provider', fieldPath: 'data.provider' },
        targets: [
          {
            select: extractor,
            fieldPaths: ['spec.template.spec.containers.0.env.[name=FREEFACE_EXECUTION_PROVIDER].value'],
          },
        ],
      },
    ],
  };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(kustomization));
  await applyFolder(folder);
}
