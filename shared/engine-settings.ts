import { readFileSync } from 'node:fs';
import * as z from 'zod';

const integer = (minimum: number, maximum: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(minimum).max(maximum);
const text = () => z.string().min(1);
const yesOrNo = () => z.stringbool({ error: 'must be true or false' }).default(false);
const addresses = () =>
  z.string().regex(/^[^,\s:]+(:\d+)?(,[^,\s:]+(:\d+)?)*$/, 'must be host:port, or several separated by commas');

/** Settings of FREEFACE_MODE=distributed; read with the others in config.ts. */
export const engineSettings = {
  FREEFACE_ENGINES_CA: text()
    .optional()
    .describe('File with PEM certificates that every engine’s TLS may be signed by, beside the usual ones.'),
  FREEFACE_EXTRACTOR_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('Where the extract-faces function is served; faces are found in this process when absent.'),
  FREEFACE_OUTBOX_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe(
      'Where the sweep-outbox function is served, which is woken after writes; events wait for its schedule when absent.',
    ),
  SCYLLA_CONTACT_POINTS: addresses().optional().describe('ScyllaDB nodes to begin with, as `host:port,…`.'),
  SCYLLA_LOCAL_DATACENTER: text().default('datacenter1').describe('Data centre whose nodes are asked.'),
  SCYLLA_KEYSPACE: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,47}$/, 'must be 1 to 48 of a-z, 0-9 and _, a letter first')
    .default('freeface')
    .describe('Keyspace of all tables.'),
  SCYLLA_REPLICATION: integer(1, 9)
    .optional()
    .describe(
      'Copies of each row in the data centre, for `npm run migrate`; 3, or as many as there are nodes, when absent.',
    ),
  SCYLLA_USERNAME: text().optional().describe('User of ScyllaDB; none when absent.'),
  SCYLLA_PASSWORD: text().optional().describe('Their password.'),
  SCYLLA_TLS: yesOrNo().describe(
    'Whether ScyllaDB is spoken to over TLS. A node’s certificate is of its address, or of a name in `SCYLLA_CONTACT_POINTS`.',
  ),
  MILVUS_ADDRESS: addresses().optional().describe('Milvus, as `host:port`.'),
  MILVUS_USERNAME: text().optional().describe('User of Milvus; none when absent.'),
  MILVUS_PASSWORD: text().optional().describe('Their password.'),
  MILVUS_TLS: yesOrNo().describe('Whether Milvus is spoken to over TLS.'),
  MILVUS_DATABASE: text().default('default').describe('Database of all collections.'),
  MILVUS_COLLECTION_PREFIX: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/, 'must be 1 to 64 letters, digits and _, a letter first')
    .default('freeface')
    .describe('How the names of our collections begin.'),
  MILVUS_INDEX: z
    .enum(['HNSW', 'IVF_FLAT', 'DISKANN', 'GPU_CAGRA'])
    .default('HNSW')
    .describe('Kind of index over the templates. `GPU_CAGRA` answers a search with at most 1,024 hits.'),
  MILVUS_EXPECTED_FACES: integer(1, 10_000_000_000)
    .default(100_000)
    .describe('Size of gallery that the index is laid out for.'),
  S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('MinIO or another S3 store; over TLS when it begins with `https`.'),
  S3_PUBLIC_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe(
      'Where clients reach the store themselves. Downloads of whole images are then answered with a link to it that is good for a minute; they come through the platform when absent.',
    ),
  S3_ACCESS_KEY_ID: text().optional().describe('Key to it.'),
  S3_SECRET_ACCESS_KEY: text().optional().describe('Secret of that key.'),
  S3_REGION: text().default('us-east-1').describe('Region of the bucket.'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .default('freeface')
    .describe('Bucket of all images.'),
  S3_UPLOADS_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional()
    .describe(
      'Bucket whose objects `uploads/{tenant}/{external_id}/name.jpg` are enrolled by themselves, and erased when they are deleted; none when absent.',
    ),
  S3_UPLOADS_TARGET: z
    .string()
    .default('arn:minio:sqs::PRIMARY:kafka')
    .describe(
      'What the store calls the Kafka topic `freeface.uploads` that the uploads bucket’s notifications go to; empty: they are set up by other means.',
    ),
  S3_PATH_STYLE: z
    .stringbool({ error: 'must be true or false' })
    .default(true)
    .describe('The bucket stands in the path of a URL; `false`: in its host.'),
  S3_KMS_KEY_ID: text()
    .optional()
    .describe('Key of the store’s KMS that images are encrypted with; the store’s own key when absent.'),
  KAFKA_BROKERS: addresses().optional().describe('Kafka brokers to begin with, as `host:port,…`.'),
  KAFKA_USERNAME: text().optional().describe('User of Kafka; none when absent.'),
  KAFKA_PASSWORD: text().optional().describe('Their password.'),
  KAFKA_SASL: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .default('scram-sha-512')
    .describe('How user and password are shown to Kafka.'),
  KAFKA_REPLICATION: integer(1, 9)
    .optional()
    .describe('Copies of each event, for `npm run migrate`; 3, or as many as there are brokers, when absent.'),
  KAFKA_TLS: yesOrNo().describe('Whether Kafka is spoken to over TLS.'),
  DRAGONFLY_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a redis or rediss URL' })
    .optional()
    .describe('DragonflyDB, as `redis://user:password@host:port`; `rediss` is over TLS.'),
  DRAGONFLY_USERNAME: text().default('default').describe('User of DragonflyDB, when the URL names none.'),
  DRAGONFLY_PASSWORD: text().optional().describe('Their password, when the URL has none; none when absent.'),
  DRAGONFLY_KEY_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ -')
    .default('freeface')
    .describe('How the names of our keys begin.'),
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
    /** Copies of each row; null: as many as are sensible. */
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
    /** Copies of each event; null: as many as are sensible. */
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
  /** PEM certificates to trust beside the usual ones; null: no others. */
  readonly ca: string | null;
}

type EngineValues = z.output<z.ZodObject<typeof engineSettings>>;

/** What an engine cannot be reached without. */
const required: Readonly<Record<EngineName, readonly (keyof EngineValues)[]>> = {
  scylla: ['SCYLLA_CONTACT_POINTS'],
  milvus: ['MILVUS_ADDRESS'],
  s3: ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
  kafka: ['KAFKA_BROKERS'],
  dragonfly: ['DRAGONFLY_URL'],
};

/**
 * The engines' settings; each engine is looked up when a port opens it, so that a function needs only the variables of its own.
 * Reading one that lacks a variable throws an Error that names it. `missing` names what all of `names` lack.
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

/** Both or none. */
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

/** An address with user and password, where it has none of its own and there is one. */
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
