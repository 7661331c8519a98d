import { readFileSync } from 'node:fs';
import * as z from 'zod';

const integer = (minimum: number, maximum: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(minimum).max(maximum);
const text = () => z.string().min(1);
const yesOrNo = () => z.stringbool({ error: 'must be true or false' }).default(false);
const addresses = () =>
  z.string().regex(/^[^,\s:]+(:\d+)?(,[^,\s:]+(:\d+)?)*$/, 'must be host:port; separate several by commas');

/** Settings of FREEFACE_MODE=distributed; config.ts reads them with the others. */
export const engineSettings = {
  FREEFACE_ENGINES_CA: text()
    .optional()
    .describe('PEM file with additional CA certificates; TLS connections to all engines trust them.'),
  FREEFACE_EXTRACTOR_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('URL of the extract-faces function. If not set, this process extracts the faces.'),
  FREEFACE_OUTBOX_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe(
      'URL of the sweep-outbox function, which is called after writes to publish their events. If not set, events wait for its schedule.',
    ),
  SCYLLA_CONTACT_POINTS: addresses().optional().describe('ScyllaDB nodes for the first connection, as `host:port,…`.'),
  SCYLLA_LOCAL_DATACENTER: text().default('datacenter1').describe('ScyllaDB data centre whose nodes get the requests.'),
  SCYLLA_KEYSPACE: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,47}$/, 'must be 1 to 48 of a-z, 0-9 and _, and begin with a letter')
    .default('freeface')
    .describe('ScyllaDB keyspace of all tables.'),
  SCYLLA_REPLICATION: integer(1, 9)
    .optional()
    .describe(
      'Copies of each row in the data centre, for `npm run migrate`. If not set: 3, or the number of nodes if there are fewer.',
    ),
  SCYLLA_USERNAME: text().optional().describe('User name for ScyllaDB. If not set, no login.'),
  SCYLLA_PASSWORD: text().optional().describe('Password of this user.'),
  SCYLLA_TLS: yesOrNo().describe(
    '`true`: connect to ScyllaDB over TLS. A node’s certificate must be for its address, or for a host name in `SCYLLA_CONTACT_POINTS`.',
  ),
  MILVUS_ADDRESS: addresses().optional().describe('Address of Milvus, as `host:port`.'),
  MILVUS_USERNAME: text().optional().describe('User name for Milvus. If not set, no login.'),
  MILVUS_PASSWORD: text().optional().describe('Password of this user.'),
  MILVUS_TLS: yesOrNo().describe('`true`: connect to Milvus over TLS.'),
  MILVUS_DATABASE: text().default('default').describe('Milvus database of all collections.'),
  MILVUS_COLLECTION_PREFIX: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/, 'must be 1 to 64 letters, digits and _, and begin with a letter')
    .default('freeface')
    .describe('Prefix of the names of our collections.'),
  MILVUS_INDEX: z
    .enum(['HNSW', 'IVF_FLAT', 'DISKANN', 'GPU_CAGRA'])
    .default('HNSW')
    .describe('Index type for the templates. With `GPU_CAGRA`, a search returns at most 1,024 hits.'),
  MILVUS_EXPECTED_FACES: integer(1, 10_000_000_000)
    .default(100_000)
    .describe('Expected number of faces in the gallery; the index parameters depend on it.'),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('URL of MinIO or another S3 store; `https` uses TLS.'),
  S3_PUBLIC_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe(
      'URL at which clients reach the S3 store. If set, a download of a whole image returns a link to the store, valid for one minute. If not set, downloads go through the platform.',
    ),
  S3_ACCESS_KEY_ID: text().optional().describe('Access key id for the S3 store.'),
  S3_SECRET_ACCESS_KEY: text().optional().describe('Secret of this access key.'),
  S3_REGION: text().default('us-east-1').describe('Region of the S3 buckets.'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .default('freeface')
    .describe('Bucket for all images.'),
  S3_UPLOADS_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional()
    .describe(
      'Bucket whose photos are enrolled automatically. Object names: `uploads/{tenant}/{external_id}/name.jpg`. If an object is deleted, its faces are erased. If not set, there is no such bucket.',
    ),
  S3_UPLOADS_TARGET: z
    .string()
    .default('arn:minio:sqs::PRIMARY:kafka')
    .describe(
      'ARN, in the store, of the Kafka topic `freeface.uploads`, which receives the notifications of the uploads bucket. Empty: `npm run migrate` sets up no notifications; configure them in the store.',
    ),
  S3_PATH_STYLE: z
    .stringbool({ error: 'must be true or false' })
    .default(true)
    .describe('`true`: the bucket name is in the path of a URL. `false`: it is in the host name.'),
  S3_KMS_KEY_ID: text()
    .optional()
    .describe('KMS key of the store that encrypts the images. If not set, the store uses its own key.'),
  KAFKA_BROKERS: addresses().optional().describe('Kafka brokers for the first connection, as `host:port,…`.'),
  KAFKA_USERNAME: text().optional().describe('User name for Kafka. If not set, no login.'),
  KAFKA_PASSWORD: text().optional().describe('Password of this user.'),
  KAFKA_SASL: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .default('scram-sha-512')
    .describe('SASL mechanism for the login to Kafka.'),
  KAFKA_REPLICATION: integer(1, 9)
    .optional()
    .describe(
      'Copies of each event, for `npm run migrate`. If not set: 3, or the number of brokers if there are fewer.',
    ),
  KAFKA_TLS: yesOrNo().describe('`true`: connect to Kafka over TLS.'),
  DRAGONFLY_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis or rediss URL' })
    .optional()
    .describe('URL of DragonflyDB, as `redis://user:password@host:port`; `rediss` uses TLS.'),
  DRAGONFLY_USERNAME: text().default('default').describe('User name for DragonflyDB, if the URL has none.'),
  DRAGONFLY_PASSWORD: text().optional().describe('Password of this user, if the URL has none. If not set, no login.'),
  DRAGONFLY_KEY_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ -')
    .default('freeface')
    .describe('Prefix of the names of our keys.'),
} as const;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Every engine of FREEFACE_MODE=distributed. */
export interface Engines {
  readonly scylla: {
    readonly contactPoints: readonly string[];
    readonly localDatacenter: string;
    readonly keyspace: string;
    /** Copies of each row; null: 3, or the number of nodes if there are fewer. */
    readonly replication: number | null;
    readonly credentials: Credentials | null;
    readonly tls: EngineTls | null;
  };
  readonly milvus: {
    readonly address: string;
    readonly database: string;
    readonly collectionPrefix: string;
    readonly index: 'HNSW' | 'IVF_FLAT' | 'DISKANN' | 'GPU_CAGRA';
    readonly expectedFaces: number;
    readonly credentials: Credentials | null;
    readonly tls: EngineTls | null;
  };
  readonly s3: {
    readonly endpoint: string;
    readonly publicEndpoint: string | null;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly region: string;
    readonly bucket: string;
    readonly uploadsBucket: string | null;
    readonly uploadsTarget: string | null;
    readonly pathStyle: boolean;
    readonly kmsKeyId: string | null;
    readonly tls: EngineTls | null;
  };
  readonly kafka: {
    readonly brokers: readonly string[];
    /** Copies of each event; null: 3, or the number of brokers if there are fewer. */
    readonly replication: number | null;
    readonly credentials: (Credentials & { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512' }) | null;
    readonly tls: EngineTls | null;
  };
  readonly dragonfly: {
    /** With user and password. */
    readonly url: string;
    readonly keyPrefix: string;
    readonly tls: EngineTls | null;
  };
}
export type EngineName = keyof Engines;

export interface EngineTls {
  /** Additional CA certificates to trust, PEM; null: none. */
  readonly ca: string | null;
}

type EngineValues = z.output<z.ZodObject<typeof engineSettings>>;

/** Variables that the connection to an engine requires. */
const required: Readonly<Record<EngineName, readonly (keyof EngineValues)[]>> = {
  scylla: ['SCYLLA_CONTACT_POINTS'],
  milvus: ['MILVUS_ADDRESS'],
  s3: ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
  kafka: ['KAFKA_BROKERS'],
  dragonfly: ['DRAGONFLY_URL'],
};

/**
 * The engines' settings. An engine's settings are checked when a port reads them, so a function needs only the variables of the
 * engines that it uses. Reading an engine with a missing variable throws an Error that names the variable. `missing` lists the
 * missing variables of all engines in `names`.
 */
export function enginesOf(value: EngineValues): Engines & { missing(names: readonly EngineName[]): string[] } {
  const missing = (names: readonly EngineName[]) =>
    names.flatMap((name) => required[name]).filter((variable) => value[variable] === undefined);
  const needing = <Settings>(name: EngineName, settings: () => Settings): Settings => {
    const lacking = missing([name]);
    if (lacking.length === 0) return settings();
    throw new Error(
      `The configuration is wrong:\n${lacking.map((variable) => `  ${variable}: is required with FREEFACE_MODE=distributed`).join('\n')}`,
    );
  };
  const tls = (isOn: boolean): EngineTls | null => (isOn ? { ca: certificates(value.FREEFACE_ENGINES_CA) } : null);
  return {
    missing,
    get scylla() {
      return needing('scylla', () => ({
        contactPoints: value.SCYLLA_CONTACT_POINTS!.split(','),
        localDatacenter: value.SCYLLA_LOCAL_DATACENTER,
        keyspace: value.SCYLLA_KEYSPACE,
        replication: value.SCYLLA_REPLICATION ?? null,
        credentials: credentials(value.SCYLLA_USERNAME, value.SCYLLA_PASSWORD),
        tls: tls(value.SCYLLA_TLS),
      }));
    },
    get milvus() {
      return needing('milvus', () => ({
        address: value.MILVUS_ADDRESS!,
        database: value.MILVUS_DATABASE,
        collectionPrefix: value.MILVUS_COLLECTION_PREFIX,
        index: value.MILVUS_INDEX,
        expectedFaces: value.MILVUS_EXPECTED_FACES,
        credentials: credentials(value.MILVUS_USERNAME, value.MILVUS_PASSWORD),
        tls: tls(value.MILVUS_TLS),
      }));
    },
    get s3() {
      return needing('s3', () => ({
        endpoint: value.S3_ENDPOINT!,
        publicEndpoint: value.S3_PUBLIC_ENDPOINT ?? null,
        accessKeyId: value.S3_ACCESS_KEY_ID!,
        secretAccessKey: value.S3_SECRET_ACCESS_KEY!,
        region: value.S3_REGION,
        bucket: value.S3_BUCKET,
        uploadsBucket: value.S3_UPLOADS_BUCKET ?? null,
        uploadsTarget: value.S3_UPLOADS_TARGET || null,
        pathStyle: value.S3_PATH_STYLE,
        kmsKeyId: value.S3_KMS_KEY_ID ?? null,
        tls: tls(value.S3_ENDPOINT!.startsWith('https:')),
      }));
    },
    get kafka() {
      return needing('kafka', () => {
        const user = credentials(value.KAFKA_USERNAME, value.KAFKA_PASSWORD);
        return {
          brokers: value.KAFKA_BROKERS!.split(','),
          replication: value.KAFKA_REPLICATION ?? null,
          credentials: user && { ...user, mechanism: value.KAFKA_SASL },
          tls: tls(value.KAFKA_TLS),
        };
      });
    },
    get dragonfly() {
      return needing('dragonfly', () => ({
        url: withUser(value.DRAGONFLY_URL!, value.DRAGONFLY_USERNAME, value.DRAGONFLY_PASSWORD),
        keyPrefix: value.DRAGONFLY_KEY_PREFIX,
        tls: tls(value.DRAGONFLY_URL!.startsWith('rediss:')),
      }));
    },
  };
}

/** User name and password must both be set, or both be absent. */
export function checkCredentials(
  value: EngineValues,
  refuse: (name: keyof EngineValues, message: string) => void,
): void {
  for (const engine of ['SCYLLA', 'MILVUS', 'KAFKA'] as const) {
    const [user, password] = [`${engine}_USERNAME`, `${engine}_PASSWORD`] as const;
    if (value[user] !== undefined && value[password] === undefined) refuse(password, `is required with ${user}`);
    if (value[user] === undefined && value[password] !== undefined) refuse(user, `is required with ${password}`);
  }
}

const credentials = (username: string | undefined, password: string | undefined): Credentials | null =>
  username === undefined || password === undefined ? null : { username, password };

/** Adds user and password to an address that has no password. */
function withUser(address: string, username: string, password: string | undefined): string {
  const url = new URL(address);
  if (password === undefined || url.password !== '') return address;
  return Object.assign(url, { username: url.username || username, password }).href;
}

function certificates(path: string | undefined): string | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `The configuration is wrong:\n  FREEFACE_ENGINES_CA: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
