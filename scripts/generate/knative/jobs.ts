import type * as z from 'zod';
import type { job, role, roleBinding, secret } from '../../manifests/kubernetes.ts';
import * as names from '../../manifests/names.ts';
import { policy, reaching, serviceAccount, tcp } from './access.ts';
import { certificates, unprivileged } from './service.ts';
import { addressesOf, type Store, settingsFor } from './settings.ts';
import type { Comments } from './yaml.ts';

type Job = z.input<typeof job>;
type Pod = Job['spec']['template']['spec'];
interface Commented {
  readonly object: object;
  readonly comments?: Comments;
}

/**
 * Jobs for an operator's work on the stores. With them, the stores need no access from outside the cluster. The jobs are not part of
 * the overlays, because a Job runs when it is applied and cannot be changed afterwards.
 */

/** Migrates the stores to the schema that the functions of the same version expect. */
export const migrateJob = (version: string): Commented[] => [
  { object: serviceAccount({ name: 'migrate' }) },
  jobOf('migrate', ['up'], version, {
    stores: ['scylla', 'milvus', 's3', 'kafka'],
    variables: { FREEFACE_MODELS: '/app/models' },
  }),
];

/**
 * Creates the first key, or replaces it by a new one. The job's account may write one existing Secret and may read none. The address
 * of Kubernetes differs between clusters, so the policy allows its ports at any address.
 */
export function adminKeyJob(version: string): Commented[] {
  const name = 'admin-key';
  const metadata = { name, namespace: names.namespace, labels: names.labelsOf(name) };
  const keySecret: z.input<typeof secret> = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, name: names.adminKeySecret },
    type: 'Opaque',
  };
  const writer: z.input<typeof role> = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata,
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [names.adminKeySecret], verbs: ['patch'] }],
  };
  const binding: z.input<typeof roleBinding> = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: names.namespace }],
  };
  return [
    { object: keySecret, comments: [{ path: ['apiVersion'], text: 'The job writes the key here, under `key`.' }] },
    { object: serviceAccount({ name }) },
    { object: writer, comments: [{ path: ['rules'], text: 'may write one Secret and read none' }] },
    { object: binding },
    policy(
      'to-kubernetes',
      'Lets the job write the Secret through Kubernetes. The address of Kubernetes differs between clusters, so only the ports are limited.',
      reaching('kubernetes', [{ ports: tcp(443, 6443) }]),
    ),
    jobOf(name, ['--secret', names.adminKeySecret], version, { stores: ['scylla'], callsKubernetes: true }),
  ];
}

interface Needs {
  readonly stores: readonly Store[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly callsKubernetes?: boolean;
}

function jobOf(
  name: string,
  args: readonly string[],
  version: string,
  { stores, variables = {}, callsKubernetes = false }: Needs,
): { object: Job; comments: Comments } {
  const reached = [...stores, ...(callsKubernetes ? ['kubernetes'] : [])];
  const fixed = Object.entries({ FREEFACE_MODE: 'distributed', ...variables });
  const pod: Pod = {
    serviceAccountName: name,
    automountServiceAccountToken: callsKubernetes,
    enableServiceLinks: false,
    restartPolicy: 'Never',
    containers: [
      {
        name: 'command',
        image: names.imageOf(names.commandLine, version),
        args: [name, ...args],
        env: [...fixed.map(([variable, value]) => ({ name: variable, value })), ...addressesOf(stores)],
        envFrom: settingsFor(stores),
        resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '384Mi' } },
        securityContext: unprivileged,
        volumeMounts: [certificates.mount],
      },
    ],
    volumes: [certificates.volume],
  };
  return {
    object: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: names.namespace, labels: names.labelsOf(name) },
      spec: {
        backoffLimit: 3,
        ttlSecondsAfterFinished: 24 * 60 * 60,
        template: {
          metadata: {
            labels: {
              ...names.labelsOf(name),
              ...Object.fromEntries(reached.map((each) => [`freeface/reaches-${each}`, 'true'])),
            },
          },
          spec: pod,
        },
      },
    },
    comments: [
      {
        path: ['spec', 'template', 'spec', 'containers', 0, 'resources'],
        text: 'measured: 136 MB at most for all migrations, 83 MB for a key',
      },
      { path: ['spec', 'backoffLimit'], text: 'each attempt continues where the previous one stopped' },
      { path: ['spec', 'ttlSecondsAfterFinished'], text: 'one day, so that its log can be read' },
    ],
  };
}
