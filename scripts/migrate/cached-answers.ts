import { Redis } from 'ioredis';
import { tlsOptions } from '../../shared/adapters/distributed/tls.ts';
import type { Engines } from '../../shared/engine-settings.ts';
import type { Step } from '../../shared/migrations/migration.ts';

/** Deletes the cached responses. They can contain people whose data a migration has deleted. */
export const forgetAnswers = ({ url, keyPrefix, tls }: Engines['dragonfly']): Step => ({
  what: `delete cached responses (${keyPrefix}:*)`,
  async run() {
    const client = new Redis(url, {
      lazyConnect: true,
      maxRetriesPerRequest: 1,
      retryStrategy: () => null,
      ...(tls === null ? {} : { tls: tlsOptions(tls) }),
    });
    try {
      await client.connect();
      let cursor = '0';
      do {
        const [next, keys] = await client.scan(
          cursor,
          'MATCH',
          `${keyPrefix.replaceAll(/[*?[\]\\]/g, '\\$&')}:*`,
          'COUNT',
          1000,
        );
        if (keys.length > 0) await client.unlink(keys);
        cursor = next;
      } while (cursor !== '0');
    } finally {
      client.disconnect();
    }
  },
});
