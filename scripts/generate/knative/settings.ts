import type { PortName } from '../../../shared/ports/index.ts';
import { isHttp, type Manifest, portsOf, writesEvents } from '../../../shared/runtime/define.ts';
import { extractor, hostOf, publisher, secretOf, settingsConfig, storesConfig } from '../../manifests/names.ts';

/** A store in a cluster: who may reach it is told by a label on the pod. */
export type Store = 'scylla' | 'milvus' | 's3' | 'kafka' | 'dragonfly';

/** Ports that the stores listen on. */
export const storePorts: Readonly<Record<Store, number>> = {
  scylla: 9042,
  milvus: 19530,
  s3: 9000,
  kafka: 9092,
  dragonfly: 6379,
};

/** Which stores a port of the distributed engine needs. The extractor is another function. */
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
 * Stores that may ask for a user and a password. S3 always asks for its keys.
 *
 * [Note: How settings reach a function]
 * Addresses, without which nothing starts, and the keys of S3 are named one by one, so that a pod says which is missing. All
 * further settings are optional: what is no secret is in one ConfigMap for all, the credentials of a store in a Secret that only
 * those are given who reach it, certificates in a ConfigMap that is mounted.
 */
const withCredentials: readonly Store[] = ['scylla', 'milvus', 'kafka', 'dragonfly'];

/** Where the optional settings of who reaches these stores come from. */
export const settingsFor = (stores: readonly Store[]) => [
  { configMapRef: { name: settingsConfig, optional: true } },
  ...stores
    .filter((store) => withCredentials.includes(store))
    .map((store) => ({ secretRef: { name: secretOf(store), optional: true } })),
];

/** The stores that a function reaches, in the order of the list above. */
export function storesOf(manifest: Manifest): Store[] {
  const needed = new Set(portsOf(manifest).flatMap((port) => storesOfPort[port]));
  return (Object.keys(storePorts) as Store[]).filter((store) => needed.has(store));
}

/** Whether a function asks the extractor; the extractor itself has its networks at hand. */
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

/** Addresses of the ports in use and the keys to them, no others; and what makes a process one of a cluster. */
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

/** Where these stores are, and the keys that they always ask for. */
export const addressesOf = (stores: readonly Store[]): Variable[] =>
  stores.flatMap((store) =>
    settingsOf[store].map(({ name, secret }) =>
      secret ? { name, valueFrom: { secretKeyRef: { name: secretOf(store), key: name } } } : fromStoresConfig(name),
    ),
  );
