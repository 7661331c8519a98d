import { resolve } from 'node:path';
import * as z from 'zod';
import { decoding } from './domain/tuning.ts';

const MiB = 1024 * 1024;

const integer = (minimum: number, maximum: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(minimum).max(maximum);

/**
 * Every setting: name of the environment variable, form, default, meaning. The README's table is written from the same list.
 */
const settings = {
  PORT: integer(0, 65535).default(8080).describe('Port to listen on; 0 takes a free one.'),
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  FREEFACE_DATA: z
    .string()
    .min(1)
    .default('.freeface')
    .describe('Folder that holds everything: records, vectors, images, keys, models.'),
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
  FREEFACE_MAX_IMAGE_BYTES: integer(1024, 256 * MiB)
    .default(decoding.maxBytes)
    .describe('Largest image file taken, in bytes.'),
  FREEFACE_MAX_IMAGE_PIXELS: integer(10_000, 1_000_000_000)
    .default(decoding.maxPixels)
    .describe('Largest image taken, in pixels, read from its header before decoding.'),
  FREEFACE_MAX_HELD_BYTES: integer(MiB, 64 * 1024 * MiB)
    .default(256 * MiB)
    .describe('Bytes of request bodies held at once; more are answered 429.'),
  FREEFACE_SHUTDOWN_SECONDS: integer(1, 600)
    .default(25)
    .describe('Time that running requests get to finish after SIGTERM.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least severe log line that is written.'),
} as const;

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly modelsDir: string;
  /** The first is the default. */
  readonly packs: readonly string[];
  readonly maxImageBytes: number;
  readonly maxImagePixels: number;
  readonly maxBodyBytesHeld: number;
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
  const parsed = z.object(settings).safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The configuration is wrong:\n${lines.join('\n')}`);
  }
  const value = parsed.data;
  return {
    port: value.PORT,
    host: value.HOST,
    dataDir: resolve(value.FREEFACE_DATA),
    modelsDir: resolve(value.FREEFACE_MODELS),
    packs: value.FREEFACE_MODEL_PACK.split(','),
    maxImageBytes: value.FREEFACE_MAX_IMAGE_BYTES,
    maxImagePixels: value.FREEFACE_MAX_IMAGE_PIXELS,
    maxBodyBytesHeld: value.FREEFACE_MAX_HELD_BYTES,
    shutdownSeconds: value.FREEFACE_SHUTDOWN_SECONDS,
    logLevel: value.LOG_LEVEL,
  };
}

/** Rows for the README: name, default, meaning. */
export function describeSettings(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(settings).map(([name, schema]) => ({
    name,
    fallback: String(schema.parse(undefined)),
    meaning: schema.description ?? '',
  }));
}
