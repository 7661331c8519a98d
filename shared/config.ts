import { resolve } from 'node:path';
import * as z from 'zod';
import { type ExecutionProvider, executionProviders, mostThreads } from './domain/execution-provider.ts';
import type { OutsideIssuer } from './domain/outside-issuer.ts';
import { type TrustedProxies, trustedProxiesOf } from './domain/trusted-proxies.ts';
import { decoding } from './domain/tuning.ts';
import { checkCredentials, engineSettings, enginesOf } from './engine-settings.ts';

const MiB = 1024 * 1024;

const integer = (minimum: number, maximum: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(minimum).max(maximum);

/**
 * Every setting: name of the environment variable, form, default, meaning. The README's table is written from the same list.
 */
const settings = {
  FREEFACE_MODE: z
    .enum(['embedded', 'distributed'])
    .default('embedded')
    .describe('`embedded`: everything in this process and one folder; `distributed`: on the engines below.'),
  PORT: integer(0, 65535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address to listen on; beyond this machine only with `FREEFACE_BEHIND_TLS=true`.'),
  FREEFACE_BEHIND_TLS: z
    .stringbool({ error: 'must be true or false' })
    .default(false)
    .describe('Says that whatever is in front of this server speaks TLS to the outside.'),
  FREEFACE_DATA: z
    .string()
    .min(1)
    .default('.freeface')
    .describe('Folder that holds everything: records, vectors, images, keys, models.'),
  FREEFACE_WATCH: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder whose photos are enrolled by themselves: `{external_id}/name.jpg`, or `{tenant}/{external_id}/name.jpg`: two folders deep, the first is a tenant, and where there is none of that name the photo is refused with a dead letter of `default`. A photo that is deleted there is erased. None when absent.',
    ),
  FREEFACE_MODEL_PACK: z
    .string()
    .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be a pack name, or several separated by commas')
    .default('builtin')
    .describe('Model pack; several separated by commas can be chosen by `strategy`, the first is the default.'),
  FREEFACE_MODELS: z
    .string()
    .min(1)
    .default('models')
    .describe('Folder with the catalogue of model packs and their calibrations.'),
  FREEFACE_EXECUTION_PROVIDER: z
    .enum(executionProviders)
    .default('cpu')
    .describe(
      'What runs the networks: `cpu`, `webgpu` (a graphics card by its Vulkan driver) or `cuda` (NVIDIA’s libraries, which onnxruntime-node must have been installed with).',
    ),
  FREEFACE_THREADS: integer(1, mostThreads.cpu)
    .optional()
    .describe(
      'Threads that run networks, each with its own copy of them. When absent one a core and at most 4, or a single one for a graphics card; `webgpu` takes no more than one.',
    ),
  FREEFACE_MAX_IMAGE_BYTES: integer(1024, 256 * MiB)
    .default(decoding.maxBytes)
    .describe('Largest image file taken, in bytes.'),
  FREEFACE_MAX_IMAGE_PIXELS: integer(10_000, 1_000_000_000)
    .default(decoding.maxPixels)
    .describe('Largest image taken, in pixels, read from its header before decoding.'),
  FREEFACE_MAX_HELD_BYTES: integer(MiB, 64 * 1024 * MiB)
    .default(256 * MiB)
    .describe('Bytes of request bodies held at once; more are answered 429.'),
  FREEFACE_RATE_LIMIT_PER_KEY: integer(0, 1_000_000)
    .default(6000)
    .describe('Requests a minute of one key or user; 0 is no limit.'),
  FREEFACE_RATE_LIMIT_PER_ADDRESS: integer(0, 1_000_000)
    .default(12_000)
    .describe('Requests a minute from one address, before it is known who calls; 0 is no limit.'),
  FREEFACE_RATE_LIMIT_LOGIN: integer(0, 1_000_000)
    .default(30)
    .describe('Logins a minute from one address; 0 is no limit.'),
  FREEFACE_TRUSTED_PROXIES: z
    .string()
    .refine(
      (text) => trustedProxiesOf(text) !== null,
      'must be a number up to 10, or addresses, networks and `private` separated by commas',
    )
    .default('0')
    .describe(
      'Proxies in front that add to `X-Forwarded-For`: how many, or their addresses, as in `private,203.0.113.0/24`, where `private` is every private one; 0 takes the address of the connection.',
    ),
  FREEFACE_CORS_ORIGINS: z
    .string()
    .regex(
      /^(\*|https?:\/\/[^,/\s]+(,https?:\/\/[^,/\s]+)*)$/,
      'must be origins such as https://app.example separated by commas, or *',
    )
    .optional()
    .describe(
      'Web pages of these origins may call, as in `https://app.example,http://localhost:3000`; none when absent.',
    ),
  FREEFACE_WEBHOOK_ALLOW: z
    .string()
    .regex(
      /^[\w.:-]+(\/\d{1,3})?(,[\w.:-]+(\/\d{1,3})?)*$/,
      'must be host names, addresses or ranges separated by commas',
    )
    .optional()
    .describe(
      'Webhook receivers that may be private, of any port and, when named by host or address, plain HTTP, as in `erp.local,10.20.0.0/16`; none when absent.',
    ),
  FREEFACE_SHUTDOWN_SECONDS: integer(1, 600)
    .default(25)
    .describe('Time that running requests get to finish after SIGTERM.'),
  FREEFACE_OIDC_ISSUER: z
    .url('must be a URL')
    .optional()
    .describe('OpenID Connect issuer whose users may call, exactly as in `iss`.'),
  FREEFACE_OIDC_AUDIENCE: z.string().min(1).optional().describe('What `aud` of its tokens must hold.'),
  FREEFACE_OIDC_JWKS_URL: z.url('must be a URL').optional().describe('Its keys; found by discovery when absent.'),
  FREEFACE_OIDC_ROLE_CLAIM: z
    .string()
    .min(1)
    .default('roles')
    .describe('Claim with the roles of a user; dots lead into objects, as in `realm_access.roles`.'),
  FREEFACE_OIDC_ROLES: z
    .string()
    .regex(/^[^,=]+=(viewer|operator|admin)(,[^,=]+=(viewer|operator|admin))*$/, 'must be like staff=viewer,it=admin')
    .optional()
    .describe('What its roles mean here, as in `staff=viewer,it=admin`; a role without an entry means its own name.'),
  FREEFACE_OIDC_TENANT_CLAIM: z
    .string()
    .min(1)
    .optional()
    .describe('Claim with the tenant of a user; everybody is of `default` when absent.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe log line that is written.'),
  ...engineSettings,
} as const;

/** Requests a minute; 0: no limit. */
export interface RateLimits {
  readonly key: number;
  readonly address: number;
  readonly login: number;
}

export interface Config {
  readonly mode: 'embedded' | 'distributed';
  /** Of use in distributed mode alone. */
  readonly engines: ReturnType<typeof enginesOf>;
  /** null: faces are found in this process. */
  readonly extractorUrl: string | null;
  /** Who publishes what was written with its rows; null: it runs on its schedule alone. */
  readonly outboxUrl: string | null;
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute; null: no folder is watched. */
  readonly watchDir: string | null;
  readonly behindTls: boolean;
  /** null: our own users and keys alone. */
  readonly outsideIssuer: OutsideIssuer | null;
  /** Absolute. */
  readonly modelsDir: string;
  /** The first is the default. */
  readonly packs: readonly string[];
  readonly executionProvider: ExecutionProvider;
  /** That run networks; null: as many as suit the provider. */
  readonly threads: number | null;
  readonly maxImageBytes: number;
  readonly maxImagePixels: number;
  readonly maxBodyBytesHeld: number;
  readonly rateLimits: RateLimits;
  readonly trustedProxies: TrustedProxies;
  /** Empty: no web page of another origin may call. */
  readonly corsOrigins: readonly string[];
  /** Hosts, addresses and ranges. */
  readonly webhookAllow: readonly string[];
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
      `${value.HOST} can be reached from other machines, and keys and faces would travel in the clear; put something that speaks TLS in front and say so with FREEFACE_BEHIND_TLS=true`,
    );
  }
  checkCredentials(value, refuse);
  const { FREEFACE_EXECUTION_PROVIDER: provider, FREEFACE_THREADS: threads = 1 } = value;
  if (threads > mostThreads[provider])
    refuse('FREEFACE_THREADS', `${provider} runs networks in ${mostThreads[provider]} thread`);
  if (value.FREEFACE_OIDC_ISSUER !== undefined && value.FREEFACE_OIDC_AUDIENCE === undefined) {
    refuse(
      'FREEFACE_OIDC_AUDIENCE',
      'is required with FREEFACE_OIDC_ISSUER: tokens for other services must not count here',
    );
  }
}

/** Whether an address or name stands for this machine alone. */
export const isLoopback = (host: string): boolean => /^(127(\.\d{1,3}){3}|\[?::1\]?|localhost)$/.test(host);

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
