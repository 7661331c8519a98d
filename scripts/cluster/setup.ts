import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stringify } from 'yaml';
import { functions } from '../../functions/registry.gen.ts';
import { namespace } from '../manifests/names.ts';
import { throughIngress } from './ingress.ts';
import { apply, applyFolder, kubectl, readinessOf, saw, until } from './kubernetes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the gateway, without a slash at its end. */
    gateway: string;
    /** A key with all scopes. */
    adminKey: string;
    /** Address at which pods reach this machine. */
    receiverHost: string;
  }
}

const folder = join('.build', 'cluster');

/**
 * Installs the platform in the cluster of KUBECONFIG, in the steps of the README: prepares the stores, creates the first key and
 * applies the overlay. The usual variables have the stores' addresses, which must work from the cluster and from this machine.
 */
export async function setup({ provide }: TestProject): Promise<void> {
  for (const name of [
    'KUBECONFIG',
    'KAFKA_BROKERS',
    'SCYLLA_CONTACT_POINTS',
    'S3_ENDPOINT',
    'MILVUS_ADDRESS',
    'DRAGONFLY_URL',
    'FREEFACE_RECEIVER_HOST',
  ])
    if (!process.env[name])
      throw new Error(`${name} is not set: the proof needs a cluster and stores, see knative/README.md`);
  provide('gateway', gateway());
  provide('receiverHost', receiverHost());

  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, ...secrets(), settings());
  const installed = await writeOverlay();
  await applyFolder(installed, '--selector', 'app.kubernetes.io/component=foundation');
  await runJob('migrate');
  await runJob('admin-key');
  const key = await kubectl('get', 'secret', 'freeface-admin-key', '--output', 'jsonpath={.data.key}');
  provide('adminKey', Buffer.from(key, 'base64').toString());
  await applyFolder(installed);
  const topics = functions.flatMap(({ manifest }) =>
    manifest.trigger.kind === 'event' && manifest.trigger.topic !== null ? [manifest.name] : [],
  );
  for (const [kind, names] of [
    ['ksvc', functions.map(({ manifest }) => manifest.name)],
    ['kafkasource', topics],
  ] as const) {
    const ready = await until(
      `all ${kind} are ready`,
      async () => {
        const states = await readinessOf(kind);
        const waiting = names.filter((name) => states.get(name) !== 'ready');
        if (waiting.length > 0) throw new Error(waiting.map((name) => `${name}: ${states.get(name)}`).join('\n'));
        return names.length;
      },
      300,
    );
    saw(`${ready} ${kind} are ready`);
  }
}

/** Runs a job of knative/jobs until it is complete, and prints the last line of its output. */
async function runJob(name: string): Promise<void> {
  const job = join('.build', `cluster-${name}`);
  await mkdir(job, { recursive: true });
  await writeFile(
    join(job, 'kustomization.yaml'),
    stringify({ ...kustomization, resources: [`../../knative/jobs/${name}`], images: builtImages() }),
  );
  await kubectl('replace', '--force', '--kustomize', job);
  await until(
    `job ${name} is complete`,
    async () => {
      const conditions = await kubectl('get', 'job', name, '--output', 'jsonpath={.status.conditions[*].type}');
      if (conditions.includes('Failed')) throw new Error(await kubectl('logs', `job/${name}`));
      return conditions.includes('Complete');
    },
    180,
  );
  const lines = (await kubectl('logs', `job/${name}`)).trim().split('\n');
  saw(`job ${name}: ${lines.at(-1)} (${lines.length} lines)`);
}

/** Writes an overlay on top of `local`, with these stores and the images that were built here. Returns its folder. */
async function writeOverlay(): Promise<string> {
  await mkdir(folder, { recursive: true });
  const env = process.env;
  await writeFile(
    join(folder, 'stores.env'),
    [
      'KAFKA_BROKERS',
      'SCYLLA_CONTACT_POINTS',
      'SCYLLA_LOCAL_DATACENTER',
      'DRAGONFLY_URL',
      'S3_ENDPOINT',
      'MILVUS_ADDRESS',
    ]
      .filter((name) => env[name])
      .map((name) => `${name}=${env[name]}\n`)
      .join(''),
  );
  const local = {
    ...kustomization,
    resources: ['../../knative/overlays/local'],
    configMapGenerator: [{ name: 'freeface-stores', namespace, behavior: 'merge', envs: ['stores.env'] }],
    generatorOptions: { disableNameSuffixHash: true },
    // One proxy may be both the gateway and Knative's ingress. Then routes for any host would match requests between functions.
    patches: [
      {
        target: { kind: 'HTTPRoute' },
        patch: stringify([{ op: 'add', path: '/spec/hostnames', value: [new URL(gateway()).hostname] }]),
      },
      ...ingress.patches,
    ],
    replacements: ingress.replacements,
    images: builtImages(),
  };
  await writeFile(join(folder, 'kustomization.yaml'), stringify(local));
  return folder;
}

const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };

/** Knative's ingress in the proof's cluster. */
const ingress = throughIngress({ namespace: 'knative-serving', name: 'cluster-ingress' });

/** Returns the images that `npm run images` built here, by digest. */
function builtImages(): { name: string; digest: string }[] {
  const index = join('dist', 'images', 'index.json');
  if (!existsSync(index)) throw new Error('dist/images has no images: run npm run images');
  const { manifests } = JSON.parse(readFileSync(index, 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  return manifests.map(({ digest, annotations }) => ({
    name: annotations['org.opencontainers.image.ref.name']!.replace(/:[^:]+$/, ''),
    digest,
  }));
}

/** Host at which webhooks reach this machine. */
const receiverHost = (): string => process.env.FREEFACE_RECEIVER_HOST!;

/** URL of the gateway. Its host must be a name, not an address. */
const gateway = (): string => process.env.FREEFACE_GATEWAY ?? 'http://faces.example.test';

/** Secrets with the credentials of the stores that require them. */
function secrets(): object[] {
  const names = {
    s3: ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
    ...Object.fromEntries(
      ['scylla', 'milvus', 'kafka', 'dragonfly'].map((store) => [
        store,
        [`${store.toUpperCase()}_USERNAME`, `${store.toUpperCase()}_PASSWORD`],
      ]),
    ),
  };
  return Object.entries(names).flatMap(([store, variables]) => {
    const given = variables.filter((name) => process.env[name]);
    if (given.length === 0) return [];
    const stringData = Object.fromEntries(given.map((name) => [name, process.env[name]]));
    return [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: `freeface-${store}`, namespace }, stringData }];
  });
}

/** A bucket whose photos are enrolled automatically, a receiver of webhooks, and no rate limits. */
const settings = () => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'freeface-settings', namespace },
  data: {
    S3_UPLOADS_BUCKET: uploadsBucket,
    FREEFACE_WEBHOOK_ALLOW: receiverHost(),
    FREEFACE_RATE_LIMIT_PER_ADDRESS: '0',
    FREEFACE_RATE_LIMIT_PER_KEY: '0',
    FREEFACE_RATE_LIMIT_LOGIN: '0',
  },
});

const uploadsBucket = 'uploads';
