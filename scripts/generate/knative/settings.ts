import { isHttp, type Manifest, portsOf, writesEvents } from '../../../shared/function/define.ts';
import type { PortName } from '../../../shared/ports/index.ts';
import { extractor, hostOf, publisher, secretOf, settingsConfig, storesConfig } from '../../manifests/names.ts';

/** A store in a cluster. A label on a pod says that the pod may reach it. */
export type Store = 'scylla' | 'milvus' | 's3' | 'kafka' | 'dragonfly';

/** Ports of the stores. */
export const storePorts: Readonly<Record<Store, number>> = {
  scylla: 9042,
  milvus: 19530,
  s3: 9000,
  kafka: 9092,
  dragonfly: 6379,
};

/** Stores that each port needs in distributed mode. The extractor needs none, because it is another function. */
const storesOfPort: Readonly<Record<PortName, readonly Store[]>> = {
  records: ['scylla'],
  accounts: ['scylla'],
  audit: ['scylla'],
  webhooks: ['scylla'],
  vectors: ['milvus'],
  images: ['s3'],
  uploads: ['s3'],
  events: ['kafka'],
  cache: ['dragonfly'],
  extractor: [],
};

const settingsOf: Readonly<Record<Store, readonly { readonly name: string; readonly secret?: true }[]>> = {
  scylla: [{ name: 'SCYLLA_CONTACT_POINTS' }, { name: 'SCYLLA_LOCAL_DATACENTER' }],
  milvus: [{ name: 'MILVUS_ADDRESS' }],
  s3: [
    { name: 'S3_ENDPOINT' },
    { name: 'S3_REGION' },
    { name: 'S3_ACCESS_KEY_ID', secret: true },
    { name: 'S3_SECRET_ACCESS_KEY', secret: true },
  ],
  kafka: [{ name: 'KAFKA_BROKERS' }],
  dragonfly: [{ name: 'DRAGONFLY_URL' }],
};

/**
 * Stores that may require a user and a password. S3 always requires its keys.
 *
 * [Note: How settings reach a function]
 * A process does not start without addresses and the keys of S3. The manifest names each of them, so that Kubernetes reports a missing
 * one. All other settings are optional. Settings that are not secret are in one ConfigMap for all functions. The credentials of a store
 * are in a Secret, which only the functions that use the store get. Certificates are in a ConfigMap, which is mounted.
 */
const withCredentials: readonly Store[] = ['scylla', 'milvus', 'kafka', 'dragonfly'];

/** Sources of the optional settings of a pod that reaches these stores. */
export const settingsFor = (stores: readonly Store[]) => [
  { configMapRef: { name: settingsConfig, optional: true } },
  ...stores
    .filter((store) => withCredentials.includes(store))
    .map((store) => ({ secretRef: { name: secretOf(store), optional: true } })),
];

/** Returns the stores that a function reaches, in the order of `storePorts`. */
export function storesOf(manifest: Manifest): Store[] {
  const needed = new Set(portsOf(manifest).flatMap((port) => storesOfPort[port]));
  return (Object.keys(storePorts) as Store[]).filter((store) => needed.has(store));
}

/** Whether a function calls the extractor. The extractor itself runs the networks in its process. */
export const asksExtractor = (manifest: Manifest): boolean =>
  manifest.name !== extractor && portsOf(manifest).includes('extractor');

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
  };
}

/** Variables of a function: the settings of a cluster, and the addresses and keys of only those stores that it uses. */
export function variablesOf(manifest: Manifest, own: Readonly<Record<string, string>>): Variable[] {
  const fixed = { FREEFACE_MODE: 'distributed', FREEFACE_BEHIND_TLS: 'true', HOST: '0.0.0.0', ...own };
  return [
    ...Object.entries(fixed).map(([name, value]) => ({ name, value })),
    ...(asksExtractor(manifest) ? [{ name: 'FREEFACE_EXTRACTOR_URL', value: `http://${hostOf(extractor)}` }] : []),
    ...(writesEvents(manifest) ? [{ name: 'FREEFACE_OUTBOX_URL', value: `http://${hostOf(publisher)}` }] : []),
    ...(isHttp(manifest) ? [fromStoresConfig('FREEFACE_TRUSTED_PROXIES')] : []),
    ...addressesOf(storesOf(manifest)),
  ];
}

const fromStoresConfig = (name: string): Variable => ({
  name,
  valueFrom: { configMapKeyRef: { name: storesConfig, key: name } },
});

/** Variables with the addresses of these stores, and the keys that they always require. */
export const addressesOf = (stores: readonly Store[]): Variable[] =>
  stores.flatMap((store) =>
    settingsOf[store].map(({ name, secret }) =>
      secret ? { name, valueFrom: { secretKeyRef: { name: secretOf(store), key: name } } } : fromStoresConfig(name),
    ),
  );
