import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import type { KafkaClientOptions } from '../adapters/distributed/kafka/client.ts';
import type { EngineName, Engines } from '../engine-settings.ts';
import { portProxy } from './port-proxy.ts';

/** A server that a test can stop and start again. */
export interface Outage {
  /** Settings of the platform that must notice the outage. */
  readonly environment: Readonly<Record<string, string>>;
  /** Connection to Kafka of the platform that must notice the outage. */
  readonly socketFactory?: KafkaClientOptions['socketFactory'];
  down(): Promise<void>;
  up(): Promise<void>;
}

/**
 * Whether tests may kill real servers. FREEFACE_SERVERS is a command that kills a server immediately (`COMMAND kill NAME`) and starts
 * it again (`COMMAND start NAME`, which waits until the server responds). NAME is the name of an engine.
 */
export const mayKillServers = (): boolean => Boolean(process.env.FREEFACE_SERVERS);

/** Controls the real server of an engine. */
export function realOutage(name: EngineName): Outage {
  const run = async (action: 'kill' | 'start') =>
    void (await promisify(execFile)(process.env.FREEFACE_SERVERS!, [action, name]));
  return { environment: {}, down: () => run('kill'), up: () => run('start') };
}

/**
 * Cuts the connection to a server that other tests share. A Kafka broker sends its own address to its clients, so every connection to
 * Kafka goes through the proxy.
 */
export async function cutOutage(name: EngineName, engines: Engines): Promise<Outage> {
  const { variable, address } = addressOf(name, engines);
  const { down, up, port } = await portProxy({ host: address.hostname, port: Number(address.port) });
  if (name === 'kafka') {
    return { environment: {}, socketFactory: ({ onConnect }) => connect(port, '127.0.0.1', onConnect), down, up };
  }
  address.host = `127.0.0.1:${port}`;
  const isUrl = variable.endsWith('_URL') || variable.endsWith('_ENDPOINT');
  return { environment: { [variable]: isUrl ? address.href : address.host }, down, up };
}

function addressOf(name: EngineName, engines: Engines): { variable: string; address: URL } {
  switch (name) {
    case 'dragonfly':
      return { variable: 'DRAGONFLY_URL', address: new URL(engines.dragonfly.url) };
    case 'kafka':
      return { variable: 'KAFKA_BROKERS', address: new URL(`tcp://${engines.kafka.brokers[0]}`) };
    case 's3':
      return { variable: 'S3_ENDPOINT', address: new URL(engines.s3.endpoint) };
    case 'milvus':
      return { variable: 'MILVUS_ADDRESS', address: new URL(`tcp://${engines.milvus.address}`) };
    case 'scylla':
      return { variable: 'SCYLLA_CONTACT_POINTS', address: new URL(`tcp://${engines.scylla.contactPoints[0]}`) };
  }
}
