import { resolve } from 'node:path';
import * as z from 'zod';
import { type ExecutionProvider, executionProviders, mostThreads } from './domain/execution-provider.ts';
import { isLoopback, isTrustworthyUrl, type OutsideIssuer } from './domain/outside-issuer.ts';
import { type TrustedProxies, trustedProxiesOf } from './domain/trusted-proxies.ts';
import { decoding } from './domain/tuning.ts';
import { checkCredentials, engineSettings, enginesOf } from './engine-settings.ts';

const MiB = 1024 * 1024;

const integer = (minimum: number, maximum: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(minimum).max(maximum);

const overHttps =
  'must use https, because anyone on the way could replace keys that travel over http; only this machine may use http';

/**
 * Every setting: name of the environment variable, form, default, meaning. The README's table is generated from this list.
 */
const settings = {
  FREEFACE_MODE: z
    .enum(['embedded', 'distributed'])
    .default('embedded')
    .describe('`embedded`: one process and one folder. `distributed`: the platform uses the engines below.'),
  PORT: integer(0, 65535).default(8080).describe('Port to listen on; 0: any free port.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on. An address that other machines can reach requires `FREEFACE_BEHIND_TLS=true`.'),
  FREEFACE_BEHIND_TLS: z
    .stringbool({ error: 'must be true or false' })
    .default(false)
    .describe('`true`: a proxy in front of this server speaks TLS to the clients.'),
  FREEFACE_DATA: z
    .string()
    .min(1)
    .default('.freeface')
    .describe('Folder for all data: records, vectors, images, keys, models.'),
  FREEFACE_WATCH: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder whose photos are enrolled automatically. `{external_id}/name.jpg` belongs to the tenant `default`, `{tenant}/{external_id}/name.jpg` to the named tenant. If that tenant does not exist, the photo is refused and the tenant `default` gets a dead letter. If a photo is deleted from the folder, its faces are erased. If not set, no folder is watched.',
    ),
  FREEFACE_MODEL_PACK: z
    .string()
    .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be one or more pack names, separated by commas')
    .default('builtin')
    .describe('Model packs, separated by commas. A request selects one with `strategy`; the first is the default.'),
  FREEFACE_MODELS: z
    .string()
    .min(1)
    .default('models')
    .describe('Folder with the catalogue of model packs and their calibrations.'),
  FREEFACE_EXECUTION_PROVIDER: z
    .enum(executionProviders)
    .default('cpu')
    .describe(
      'Hardware that runs the networks: `cpu`, `webgpu` (a graphics card, through its Vulkan driver) or `cuda` (an NVIDIA card; onnxruntime-node must be installed with the CUDA libraries).',
    ),
  FREEFACE_THREADS: integer(1, mostThreads.cpu)
    .optional()
    .describe(
      'Threads that run networks; each has its own copy of the networks. If not set: one thread per core, at most 4, or one thread for a graphics card. `webgpu` allows only 1.',
    ),
  FREEFACE_MAX_IMAGE_BYTES: integer(1024, 256 * MiB)
    .default(decoding.maxBytes)
    .describe('Largest image file that is accepted, in bytes.'),
  FREEFACE_MAX_IMAGE_PIXELS: integer(10_000, 1_000_000_000)
    .default(decoding.maxPixels)
    .describe('Largest image that is accepted, in pixels. The size is read from the header before decoding.'),
  FREEFACE_MAX_HELD_BYTES: integer(MiB, 64 * 1024 * MiB)
    .default(256 * MiB)
    .describe(
      'Request bodies that one process keeps in memory at the same time, in bytes. Above this, requests get 429.',
    ),
  FREEFACE_RATE_LIMIT_PER_KEY: integer(0, 1_000_000)
    .default(6000)
    .describe('Requests per minute from one key or user; 0: no limit.'),
  FREEFACE_RATE_LIMIT_PER_ADDRESS: integer(0, 1_000_000)
    .default(12_000)
    .describe('Requests per minute from one address, checked before authentication; 0: no limit.'),
  FREEFACE_RATE_LIMIT_LOGIN: integer(0, 1_000_000)
    .default(30)
    .describe('Logins per minute from one address; 0: no limit.'),
  FREEFACE_TRUSTED_PROXIES: z
    .string()
    .refine(
      (text) => trustedProxiesOf(text) !== null,
      'must be a number up to 10, or addresses, networks and `private`, separated by commas',
    )
    .default('0')
    .describe(
      'Proxies in front of this server that add to `X-Forwarded-For`: their number, or their addresses and networks, as in `private,203.0.113.0/24`; `private` means all private networks. 0: the client’s address is the address of the connection.',
    ),
  FREEFACE_CORS_ORIGINS: z
    .string()
    .regex(
      /^(\*|https?:\/\/[^,/\s]+(,https?:\/\/[^,/\s]+)*)$/,
      'must be origins such as https://app.example, separated by commas, or *',
    )
    .optional()
    .describe(
      'Origins whose web pages may call the API, as in `https://app.example,http://localhost:3000`; `*`: every origin. If not set, none.',
    ),
  FREEFACE_WEBHOOK_ALLOW: z
    .string()
    .regex(
      /^[\w.:-]+(\/\d{1,3})?(,[\w.:-]+(\/\d{1,3})?)*$/,
      'must be host names, addresses or ranges, separated by commas',
    )
    .optional()
    .describe(
      'Webhook receivers that may be private: hosts, addresses and ranges, as in `erp.local,10.20.0.0/16`. A webhook URL with a listed host or address may also use HTTP and any port. If not set, a receiver must be public and use HTTPS at port 443.',
    ),
  FREEFACE_CRITICAL_LANE: z
    .enum(['admins', 'everyone'])
    .default('admins')
    .describe(
      'Callers that may enrol with the priority `critical`. `admins`: callers with the scope `tenant:manage`; the files of a bucket or a watched folder use `high` instead.',
    ),
  FREEFACE_SHUTDOWN_SECONDS: integer(1, 600)
    .default(25)
    .describe('Seconds that running requests have to finish after SIGTERM.'),
  FREEFACE_OIDC_ISSUER: z
    .url('must be a URL')
    .refine(isTrustworthyUrl, overHttps)
    .optional()
    .describe(
      'OpenID Connect issuer whose users may call the API; exactly the `iss` of its tokens. If not set, only FreeFace’s own users and keys may call.',
    ),
  FREEFACE_OIDC_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('Value that `aud` of the issuer’s tokens must contain. Required with `FREEFACE_OIDC_ISSUER`.'),
  FREEFACE_OIDC_JWKS_URL: z
    .url('must be a URL')
    .refine(isTrustworthyUrl, overHttps)
    .optional()
    .describe('URL of the issuer’s signing keys. If not set, discovery finds it.'),
  FREEFACE_OIDC_ROLE_CLAIM: z
    .string()
    .min(1)
    .default('roles')
    .describe('Claim with the roles of a user. Dots select a field of an object, as in `realm_access.roles`.'),
  FREEFACE_OIDC_ROLES: z
    .string()
    .regex(
      /^[^,=]+=(viewer|operator|admin)(,[^,=]+=(viewer|operator|admin))*$/,
      'must have the form staff=viewer,it=admin; the roles are viewer, operator and admin',
    )
    .optional()
    .describe(
      'Maps the issuer’s roles to FreeFace roles, as in `staff=viewer,it=admin`. A role that is not listed keeps its name.',
    ),
  FREEFACE_OIDC_TENANT_CLAIM: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Claim with the tenant of a user. A token whose tenant does not exist is refused. If not set, all users belong to the tenant `default`.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Lowest level that is logged.'),
  ...engineSettings,
} as const;

/** Requests per minute; 0: no limit. */
export interface RateLimits {
  readonly key: number;
  readonly address: number;
  readonly login: number;
}

export interface Config {
  readonly mode: 'embedded' | 'distributed';
  /** Used only in distributed mode. */
  readonly engines: ReturnType<typeof enginesOf>;
  /** null: this process extracts the faces. */
  readonly extractorUrl: string | null;
  /** URL of sweep-outbox, which publishes the events of the outbox; null: only its schedule starts it. */
  readonly outboxUrl: string | null;
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute; null: no folder is watched. */
  readonly watchDir: string | null;
  readonly behindTls: boolean;
  /** null: only our own users and keys may call. */
  readonly outsideIssuer: OutsideIssuer | null;
  /** Absolute. */
  readonly modelsDir: string;
  /** The first is the default. */
  readonly packs: readonly string[];
  readonly executionProvider: ExecutionProvider;
  /** Threads that run networks; null: the execution provider's default. */
  readonly threads: number | null;
  readonly maxImageBytes: number;
  readonly maxImagePixels: number;
  readonly maxBodyBytesHeld: number;
  readonly rateLimits: RateLimits;
  readonly trustedProxies: TrustedProxies;
  /** Empty: no web page of another origin may call. */
  readonly corsOrigins: readonly string[];
  /** Hosts, addresses and ranges of allowed private receivers. */
  readonly webhookAllow: readonly string[];
  readonly criticalLane: 'admins' | 'everyone';
  readonly shutdownSeconds: number;
  readonly logLevel: string;
}

/** Reads the settings from `environment`. Throws an Error that names each variable that is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(settings).flatMap((name) =>
      environment[name] === undefined || environment[name] === '' ? [] : [[name, environment[name]]],
    ),
  );
  const parsed = z.object(settings).superRefine(checkTogether).safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The configuration is wrong:\n${lines.join('\n')}`);
  }
  const value = parsed.data;
  return {
    mode: value.FREEFACE_MODE,
    engines: enginesOf(value),
    extractorUrl: value.FREEFACE_EXTRACTOR_URL ?? null,
    outboxUrl: value.FREEFACE_OUTBOX_URL ?? null,
    port: value.PORT,
    host: value.HOST,
    dataDir: resolve(value.FREEFACE_DATA),
    watchDir: value.FREEFACE_WATCH === undefined ? null : resolve(value.FREEFACE_WATCH),
    behindTls: value.FREEFACE_BEHIND_TLS,
    outsideIssuer: outsideIssuerOf(value),
    modelsDir: resolve(value.FREEFACE_MODELS),
    packs: value.FREEFACE_MODEL_PACK.split(','),
    executionProvider: value.FREEFACE_EXECUTION_PROVIDER,
    threads: value.FREEFACE_THREADS ?? null,
    maxImageBytes: value.FREEFACE_MAX_IMAGE_BYTES,
    maxImagePixels: value.FREEFACE_MAX_IMAGE_PIXELS,
    maxBodyBytesHeld: value.FREEFACE_MAX_HELD_BYTES,
    rateLimits: {
      key: value.FREEFACE_RATE_LIMIT_PER_KEY,
      address: value.FREEFACE_RATE_LIMIT_PER_ADDRESS,
      login: value.FREEFACE_RATE_LIMIT_LOGIN,
    },
    trustedProxies: trustedProxiesOf(value.FREEFACE_TRUSTED_PROXIES)!,
    corsOrigins: value.FREEFACE_CORS_ORIGINS?.split(',') ?? [],
    webhookAllow: value.FREEFACE_WEBHOOK_ALLOW?.split(',') ?? [],
    criticalLane: value.FREEFACE_CRITICAL_LANE,
    shutdownSeconds: value.FREEFACE_SHUTDOWN_SECONDS,
    logLevel: value.LOG_LEVEL,
  };
}

type Settings = z.output<z.ZodObject<typeof settings>>;

function checkTogether(value: Settings, context: z.RefinementCtx): void {
  const refuse = (name: keyof Settings, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message, input: value[name] });
  if (!value.FREEFACE_BEHIND_TLS && !isLoopback(value.HOST)) {
    refuse(
      'HOST',
      `${value.HOST} can be reached from other machines, and keys and faces would travel unencrypted; put a proxy that speaks TLS in front of this server, then set FREEFACE_BEHIND_TLS=true`,
    );
  }
  checkCredentials(value, refuse);
  const { FREEFACE_EXECUTION_PROVIDER: provider, FREEFACE_THREADS: threads = 1 } = value;
  if (threads > mostThreads[provider])
    refuse(
      'FREEFACE_THREADS',
      `${provider} runs networks in ${mostThreads[provider]} thread; set ${mostThreads[provider]} or remove the setting`,
    );
  if (value.FREEFACE_OIDC_ISSUER !== undefined && value.FREEFACE_OIDC_AUDIENCE === undefined) {
    refuse(
      'FREEFACE_OIDC_AUDIENCE',
      'is required with FREEFACE_OIDC_ISSUER, so that tokens for other services are refused',
    );
  }
}

function outsideIssuerOf(value: Settings): OutsideIssuer | null {
  const { FREEFACE_OIDC_ISSUER: issuer, FREEFACE_OIDC_AUDIENCE: audience } = value;
  if (issuer === undefined || audience === undefined) return null;
  const pairs = value.FREEFACE_OIDC_ROLES?.split(',').map((pair) => pair.split('=', 2)) ?? [];
  return {
    issuer,
    audience,
    keySetUrl: value.FREEFACE_OIDC_JWKS_URL ?? null,
    roleClaim: value.FREEFACE_OIDC_ROLE_CLAIM,
    roleNames: Object.fromEntries(pairs),
    tenantClaim: value.FREEFACE_OIDC_TENANT_CLAIM ?? null,
  };
}

/** Rows for the README: name, default, meaning. */
export function describeSettings(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(settings).map(([name, schema]) => ({
    name,
    fallback: String(schema.parse(undefined) ?? ''),
    meaning: schema.description ?? '',
  }));
}
