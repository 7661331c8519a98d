import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

const secretFields = [
  'authorization',
  'x-api-key',
  'password',
  'old_password',
  'new_password',
  'passwordHash',
  'access_token',
  'refresh_token',
  'privateJwk',
  'image_data',
  'embedding',
];

/**
 * JSON lines on standard output, one event each. Callers pass identifiers and numbers only: never image bytes, tokens,
 * passwords, names or embeddings. `redact` is the second fence.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: ['headers', ...secretFields.flatMap((name) => [`["${name}"]`, `*["${name}"]`])],
      remove: true,
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
