import { randomUUID } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../config.ts';
import type { Engines } from '../../engine-settings.ts';
import { systemClock } from '../../ports/clock.ts';
import { createLogger } from '../../telemetry/log.ts';
import { describeEngine } from '../../testing/engine.ts';
import { newTenant } from '../../testing/record-factories.ts';
import { tlsProxy } from '../../testing/tls-proxy.ts';
import { openS3 } from './bucket.ts';
import { openCache } from './cache.ts';
import { openKafka } from './kafka/client.ts';
import { checked, openMilvus } from './milvus/client.ts';
import { scyllaClient } from './scylla/client.ts';
import { trusted } from './tls.ts';

/** Settings as a process reads them from its environment. */
const enginesWith = (environment: NodeJS.ProcessEnv): Engines =>
  readConfig({ ...process.env, FREEFACE_MODE: 'distributed', FREEFACE_ENGINES_CA: '', ...environment }).engines;

const target = (address: string) => {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  return { host, port: Number(port) };
};
const log = createLogger('silent');

it('When a private CA is configured, then the default root certificates stay trusted', () => {
  const all = trusted('own');

  expect(rootCertificates.length).toBeGreaterThan(100);
  expect(new Set(all)).toEqual(new Set([...rootCertificates, 'own']));
});

describeEngine('dragonfly', 'TLS to DragonflyDB', ({ url }) => {
  it('When a private CA signed its certificate, then the client connects with the CA and the password only', async () => {
    const [username, password] = [`test-${randomUUID()}`, randomUUID()];
    const admin = new Redis(url);
    onTestFinished(async () => {
      await admin.call('ACL', 'DELUSER', username);
      admin.disconnect();
    });
    await admin.call('ACL', 'SETUSER', username, 'on', `>${password}`, '~*', '+@all');
    const { port, ca } = await tlsProxy(target(new URL(url).host));
    const open = async (environment: NodeJS.ProcessEnv) => {
      const engines = enginesWith({
        DRAGONFLY_URL: `rediss://127.0.0.1:${port}`,
        DRAGONFLY_USERNAME: username,
        DRAGONFLY_PASSWORD: password,
        DRAGONFLY_KEY_PREFIX: username,
        ...environment,
      });
      const cache = await openCache({ engines, log, clock: systemClock });
      onTestFinished(() => cache.close());
      return cache;
    };
    const tenant = newTenant();

    const cache = await open({ FREEFACE_ENGINES_CA: ca });
    await cache.set(tenant, 'key', 'value', { ttlMs: 5000 });

    expect(await cache.get(tenant, 'key')).toBe('value');
    for (const wrong of [{}, { FREEFACE_ENGINES_CA: ca, DRAGONFLY_PASSWORD: 'wrong' }]) {
      const refused = await open(wrong);
      await expect(refused.get(tenant, 'key')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    }
  });
});

describeEngine('s3', 'TLS to S3', ({ endpoint }) => {
  it('When a private CA signed its certificate, then the client connects only with that CA', async () => {
    const { port, ca } = await tlsProxy(target(new URL(endpoint).host));
    const list = async (environment: NodeJS.ProcessEnv) => {
      const client = openS3(enginesWith({ S3_ENDPOINT: `https://127.0.0.1:${port}`, ...environment }).s3);
      onTestFinished(() => client.destroy());
      return (await client.send(new ListBucketsCommand({}))).Buckets;
    };

    expect(await list({ FREEFACE_ENGINES_CA: ca })).toBeInstanceOf(Array);
    await expect(list({})).rejects.toThrow(/certificate/);
  });
});

describeEngine('milvus', 'TLS to Milvus', ({ address }) => {
  it('When a private CA signed its certificate, then the client connects only with that CA', async () => {
    const { port, ca } = await tlsProxy(target(address));
    const list = async (environment: NodeJS.ProcessEnv) => {
      const client = openMilvus(
        enginesWith({ MILVUS_ADDRESS: `127.0.0.1:${port}`, MILVUS_TLS: 'true', ...environment }).milvus,
      );
      onTestFinished(() => void client.closeConnection());
      return checked('listing', await client.showCollections({ timeout: 3000 })).data;
    };

    expect(await list({ FREEFACE_ENGINES_CA: ca })).toBeInstanceOf(Array);
    await expect(list({})).rejects.toThrow();
  });
});

describeEngine('kafka', 'TLS to Kafka', ({ brokers }) => {
  it('When a private CA signed its certificate, then the client connects only with that CA', async () => {
    const { port, ca } = await tlsProxy(target(brokers[0]!));
    const connect = async (environment: NodeJS.ProcessEnv) => {
      const { kafka } = enginesWith({ KAFKA_BROKERS: `127.0.0.1:${port}`, KAFKA_TLS: 'true', ...environment });
      const admin = openKafka(kafka, log, { retries: 0 }).admin();
      onTestFinished(() => admin.disconnect());
      await admin.connect();
    };

    await connect({ FREEFACE_ENGINES_CA: ca });
    await expect(connect({})).rejects.toThrow(/certificate/);
  });
});

describeEngine('scylla', 'TLS to ScyllaDB', ({ contactPoints }) => {
  it.each([
    ['its address', 'IP:127.0.0.1', '127.0.0.1', true],
    ['the configured name', 'DNS:localhost', 'localhost', true],
    ['another name', 'DNS:elsewhere', 'localhost', false],
  ])(
    'When its certificate is for %s, then the name decides whether the client connects',
    async (_, name, host, isTaken) => {
      const { port, ca } = await tlsProxy(target(contactPoints[0]!), name);
      const read = async (environment: NodeJS.ProcessEnv) => {
        const { scylla } = enginesWith({
          SCYLLA_CONTACT_POINTS: `${host}:${port}`,
          SCYLLA_TLS: 'true',
          ...environment,
        });
        const client = scyllaClient(scylla, { withKeyspace: false });
        onTestFinished(() => client.shutdown());
        return (await client.execute('SELECT cluster_name FROM system.local')).rowLength;
      };

      const reading = read({ FREEFACE_ENGINES_CA: ca });
      if (isTaken) expect(await reading).toBe(1);
      else await expect(reading).rejects.toThrow();
      await expect(read({})).rejects.toThrow();
    },
  );
});
