import { type DestinationStream, type Logger, pino } from 'pino';
import { lineForPeople } from './line-for-people.ts';

export type { Logger };

/** A stream of log lines; `isTTY`: a person reads it on a terminal. */
interface LogStream extends DestinationStream {
  readonly isTTY?: boolean;
}

/**
 * Logs one line for each event: for people when standard output is a terminal, as JSON otherwise. Callers pass identifiers and numbers
 * only: never image bytes, tokens, passwords, names or embeddings. In addition, the logger removes `secretFields`.
 */
export function createLogger(level: string, destination: LogStream | undefined = terminal()): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: withoutSecrets },
  };
  if (destination === undefined) return pino(options);
  return pino(options, destination.isTTY === true ? forPeople(destination) : destination);
}

const terminal = (): LogStream | undefined => (process.stdout.isTTY ? process.stdout : undefined);

function forPeople(stream: LogStream): DestinationStream {
  const colour = (process.env.NO_COLOR ?? '') === '';
  return {
    write: (line) => stream.write(`${lineForPeople(JSON.parse(line) as Record<string, unknown>, colour)}\n`),
  };
}

const secretFields = new Set([
  'authorization',
  'cookie',
  'headers',
  'x-api-key',
  'password',
  'old_password',
  'new_password',
  'passwordHash',
  'access_token',
  'refresh_token',
  'privateJwk',
  'image_data',
  'other_image_data',
  'embedding',
]);
/** Number of levels of nested objects that are searched for secrets. */
const depth = 4;

/** Returns `fields` itself if it contains no secret: most lines then cost only a check of the names. pino's own `redact` costs 15 µs. */
function withoutSecrets(fields: Record<string, unknown>, level = depth): Record<string, unknown> {
  let kept = fields;
  for (const [name, value] of Object.entries(fields)) {
    const clean = secretFields.has(name) ? undefined : cleaned(value, level - 1);
    if (clean === value) continue;
    if (kept === fields) kept = { ...fields };
    kept[name] = clean;
  }
  return kept;
}

/** Errors and other class instances are not changed: pino's serializers convert them. */
function cleaned(value: unknown, level: number): unknown {
  if (typeof value !== 'object' || value === null || level === 0) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => cleaned(item, level - 1));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  return Object.getPrototypeOf(value) === Object.prototype
    ? withoutSecrets(value as Record<string, unknown>, level)
    : value;
}
