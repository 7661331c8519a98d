import { resolve } from 'node:path';
import leven from 'leven';
import * as z from 'zod';
import { type ExecutionProvider, executionProviders, mostThreads } from './domain/execution-provider.ts';
import { isLoopback, isTrustworthyUrl, type OutsideIssuer } from './domain/outside-issuer.ts';
import { type TrustedProxies, trustedProxiesOf } from './domain/trusted-proxies.ts';
import { decoding } from './domain/tuning.ts';
import { checkCredentials, engineSettings, enginesOf } from './engine-settings.ts';

const MiB = 1024 * 1024;

function integer(minimum: number, maximum: number) {
  const range = ({ input }: { input?: unknown }) => `must be between ${minimum} and ${maximum}, but is ${input}`;
  return z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(minimum, { error: range })
    .max(maximum, { error: range });
}

const overHttps =
  'must use https, because anyone on the way could replace keys that travel over http; only this machine may use http';

/**
 * Every setting: name of the environment variable, form, default, meaning. The README's table is generated from this list.
 */
const settings = {
  FREEFACE_MODE: z.enum(['embedded', 'distributed']).default('embedded'),
  PORT: integer(0, 65535).default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  FREEFACE_BEHIND_TLS: z.stringbool({ error: 'must be true or false' }).default(false),
  FREEFACE_DATA: z.string().min(1).default('.freeface'),
  FREEFACE_WATCH: z.string().min(1).optional(),
  FREEFACE_MODEL_PACK: z
    .string()
    .regex(/^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'must be one or more pack names, separated by commas')
    .default('builtin'),
  FREEFACE_MODELS: z.string().min(1).default('models'),
  FREEFACE_EXECUTION_PROVIDER: z.enum(executionProviders).default('cpu'),
  FREEFACE_THREADS: integer(1, mostThreads.cpu).optional(),
  FREEFACE_MAX_IMAGE_BYTES: integer(1024, 256 * MiB).default(decoding.maxBytes),
  FREEFACE_MAX_IMAGE_PIXELS: integer(10_000, 1_000_000_000).default(decoding.maxPixels),
  FREEFACE_MAX_HELD_BYTES: integer(MiB, 64 * 1024 * MiB).default(256 * MiB),
  FREEFACE_MAX_CONNECTIONS: integer(1, 1_000_000).optional(),
  FREEFACE_RATE_LIMIT_PER_KEY: integer(0, 1_000_000).default(6000),
  FREEFACE_RATE_LIMIT_PER_ADDRESS: integer(0, 1_000_000).default(12_000),
  FREEFACE_RATE_LIMIT_LOGIN: integer(0, 1_000_000).default(30),
  FREEFACE_TRUSTED_PROXIES: z
    .string()
    .refine(
      (text) => trustedProxiesOf(text) !== null,
      'must be a number up to 10, or addresses, networks and `private`, separated by commas',
    )
    .default('0'),
  FREEFACE_CORS_ORIGINS: z
    .string()
    .regex(
      /^(\*|https?:\/\/[^,/\s]+(,https?:\/\/[^,/\s]+)*)$/,
      'must be origins such as https://app.example, separated by commas, or *',
    )
    .optional(),
  FREEFACE_WEBHOOK_ALLOW: z
    .string()
    .regex(
      /^[\w.:-]+(\/\d{1,3})?(,[\w.:-]+(\/\d{1,3})?)*$/,
      'must be host names, addresses or ranges, separated by commas',
    )
    .optional(),
  FREEFACE_CRITICAL_LANE: z.enum(['admins', 'everyone']).default('admins'),
  FREEFACE_SHUTDOWN_SECONDS: integer(1, 600).default(25),
  FREEFACE_OIDC_ISSUER: z.url('must be a URL').refine(isTrustworthyUrl, overHttps).optional(),
  FREEFACE_OIDC_AUDIENCE: z.string().min(1).optional(),
  FREEFACE_OIDC_JWKS_URL: z.url('must be a URL').refine(isTrustworthyUrl, overHttps).optional(),
  FREEFACE_OIDC_ROLE_CLAIM: z.string().min(1).default('roles'),
  FREEFACE_OIDC_ROLES: z
    .string()
    .regex(
      /^[^,=]+=(viewer|operator|admin)(,[^,=]+=(viewer|operator|admin))*$/,
      'must have the form staff=viewer,it=admin; the roles are viewer, operator and admin',
    )
    .optional(),
  FREEFACE_OIDC_TENANT_CLAIM: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
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
  /** null: as many as the limit of file descriptors allows. */
  readonly maxConnections: number | null;
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
    maxConnections: value.FREEFACE_MAX_CONNECTIONS ?? null,
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

/** Variables that the scripts and the tests read. */
const otherVariables = /^FREEFACE_(KEY|SHARED|SERVERS|GATEWAY|RECEIVER_HOST|(REQUIRE|TEST|PROOF)_\w+)$/;

/** Returns a text for each `FREEFACE_` variable that is not a setting. The text names the setting with the most similar name. */
export function unknownSettings(environment: Readonly<Record<string, string | undefined>>): string[] {
  const names = Object.keys(settings);
  return Object.keys(environment)
    .filter((name) => name.startsWith('FREEFACE_') && !names.includes(name) && !otherVariables.test(name))
    .sort()
    .map((name) => {
      const own = name.slice('FREEFACE_'.length);
      // Some settings have no prefix: for FREEFACE_PORT, PORT is the right one.
      const distance = (each: string) => Math.min(leven(name, each), leven(own, each));
      const nearest = names.reduce((best, each) => (distance(each) < distance(best) ? each : best));
      const isNear = distance(nearest) <= Math.max(2, own.length / 2);
      return `${name} is not a setting and has no effect; ${isNear ? `use ${nearest}` : 'shared/README.md lists all settings'}`;
    });
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

/** Name of an environment variable. Its meaning is in scripts/generate/setting-descriptions.ts, which no bundle contains. */
export type SettingName = keyof typeof settings;

/** Every setting and its default as text; an empty text: no default. */
export const settingDefaults = (): { name: SettingName; fallback: string }[] =>
  Object.entries(settings).map(([name, schema]) => ({
    name: name as SettingName,
    fallback: String(schema.parse(undefined) ?? ''),
  }));
