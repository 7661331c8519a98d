import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

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
      paths: ['authorization', '*.authorization', 'headers', 'image_data', '*.image_data', 'embedding', '*.embedding'],
      remove: true,
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
