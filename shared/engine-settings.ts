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
  FREEFACE_ENGINES_CA: text().optional(),
  FREEFACE_EXTRACTOR_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  FREEFACE_OUTBOX_URL: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  SCYLLA_CONTACT_POINTS: addresses().optional(),
  SCYLLA_LOCAL_DATACENTER: text().default('datacenter1'),
  SCYLLA_KEYSPACE: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,47}$/, 'must be 1 to 48 of a-z, 0-9 and _, and begin with a letter')
    .default('freeface'),
  SCYLLA_REPLICATION: integer(1, 9).optional(),
  SCYLLA_USERNAME: text().optional(),
  SCYLLA_PASSWORD: text().optional(),
  SCYLLA_TLS: yesOrNo(),
  MILVUS_ADDRESS: addresses().optional(),
  MILVUS_USERNAME: text().optional(),
  MILVUS_PASSWORD: text().optional(),
  MILVUS_TLS: yesOrNo(),
  MILVUS_DATABASE: text().default('default'),
  MILVUS_COLLECTION_PREFIX: z
    .string()
    .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/, 'must be 1 to 64 letters, digits and _, and begin with a letter')
    .default('freeface'),
  MILVUS_INDEX: z.enum(['HNSW', 'IVF_FLAT', 'DISKANN', 'GPU_CAGRA']).default('HNSW'),
  MILVUS_EXPECTED_FACES: integer(1, 10_000_000_000).default(100_000),
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  S3_PUBLIC_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  S3_ACCESS_KEY_ID: text().optional(),
  S3_SECRET_ACCESS_KEY: text().optional(),
  S3_REGION: text().default('us-east-1'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .default('freeface'),
  S3_UPLOADS_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional(),
  S3_UPLOADS_TARGET: z.string().default('arn:minio:sqs::PRIMARY:kafka'),
  S3_PATH_STYLE: z.stringbool({ error: 'must be true or false' }).default(true),
  S3_KMS_KEY_ID: text().optional(),
  KAFKA_BROKERS: addresses().optional(),
  KAFKA_USERNAME: text().optional(),
  KAFKA_PASSWORD: text().optional(),
  KAFKA_SASL: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
  KAFKA_REPLICATION: integer(1, 9).optional(),
  KAFKA_TLS: yesOrNo(),
  DRAGONFLY_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis or rediss URL' }).optional(),
  DRAGONFLY_USERNAME: text().default('default'),
  DRAGONFLY_PASSWORD: text().optional(),
  DRAGONFLY_KEY_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits and . _ -')
    .default('freeface'),
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
