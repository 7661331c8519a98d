import type * as z from 'zod';
import type { job, role, roleBinding, secret } from '../../manifests/kubernetes.ts';
import * as names from '../../manifests/names.ts';
import { policy, reaching, serviceAccount, tcp } from './access.ts';
import { asNobody, certificates } from './service.ts';
import { addressesOf, type Store, settingsFor } from './settings.ts';
import type { Comments } from './yaml.ts';

type Job = z.input<typeof job>;
type Pod = Job['spec']['template']['spec'];
interface Commented {
  readonly object: object;
  readonly comments?: Comments;
}

/**
 * What an operator does to the stores, as Jobs, so that nobody outside the cluster has to reach them. They stand beside the overlays
 * and not in them: a Job runs when it is applied, and cannot be changed.
 */

/** Brings the stores up to what the image's functions expect. */
export const migrateJob = (version: string): Commented[] => [
  { object: serviceAccount({ name: 'migrate' }) },
  jobOf('migrate', ['up'], version, {
    stores: ['scylla', 'milvus', 's3', 'kafka'],
    variables: { FREEFACE_MODELS: '/app/models' },
  }),
];

/**
 * Makes the first key, or a new one in its place. Its account may write one Secret, which is there for it, and read none. Where
 * Kubernetes' own address is no policy can say for every cluster, so its ports are open to this pod.
 */
export function adminKeyJob(version: string): Commented[] {
  const name = 'admin-key';
  const metadata = { name, namespace: names.namespace, labels: names.labelsOf(name) };
  const kept: z.input<typeof secret> = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...metadata, name: names.adminKeySecret },
    type: 'Opaque',
  };
  const right: z.input<typeof role> = {
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
    { object: kept, comments: [{ path: ['apiVersion'], text: 'Where the key goes, as `key`.' }] },
    { object: serviceAccount({ name }) },
    { object: right, comments: [{ path: ['rules'], text: 'may write the one Secret, and read none' }] },
    { object: binding },
    policy(
      'to-kubernetes',
      'Who puts the key into its Secret asks Kubernetes, whose address differs from cluster to cluster.',
      reaching('kubernetes', [{ ports: tcp(443, 6443) }]),
    ),
    jobOf(name, ['--secret', names.adminKeySecret], version, { stores: ['scylla'], asksKubernetes: true }),
  ];
}

interface Needs {
  readonly stores: readonly Store[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly asksKubernetes?: boolean;
}

function jobOf(
  name: string,
  args: readonly string[],
  version: string,
  { stores, variables = {}, asksKubernetes = false }: Needs,
): { object: Job; comments: Comments } {
  const reached = [...stores, ...(asksKubernetes ? ['kubernetes'] : [])];
  const fixed = Object.entries({ FREEFACE_MODE: 'distributed', ...variables });
  const pod: Pod = {
    serviceAccountName: name,
    automountServiceAccountToken: asksKubernetes,
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
        securityContext: asNobody,
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
      { path: ['spec', 'backoffLimit'], text: 'each attempt goes on where the one before ended' },
      { path: ['spec', 'ttlSecondsAfterFinished'], text: 'a day, to look at what it printed' },
    ],
  };
}
