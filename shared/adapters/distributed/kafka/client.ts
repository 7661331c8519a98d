import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { tlsOptions } from '../tls.ts';

export type KafkaSettings = AdapterOptions['engines']['kafka'];
type Log = Pick<AdapterOptions['log'], 'info' | 'warn' | 'error'>;

export interface KafkaClientOptions {
  /** Default 4. A consumer that goes on trying keeps its place in the group; a new one has to wait until the broker has given up the old one. */
  readonly retries?: number | undefined;
  /** The way to a broker, which tells its clients its address itself. Default: straight there. */
  readonly socketFactory?: KafkaConfig['socketFactory'] | undefined;
}

/** How a client connects and how long it tries; whoever calls has limits of its own. See: [Note: Every call has a time limit] */
export function openKafka(
  { brokers, credentials, tls }: KafkaSettings,
  log: Log,
  { retries = 4, socketFactory }: KafkaClientOptions = {},
): Kafka {
  const sasl: KafkaConfig['sasl'] = credentials === null ? undefined : saslOf(credentials);
  return new Kafka({
    clientId: 'freeface',
    brokers: [...brokers],
    ...(tls === null ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(socketFactory === undefined ? {} : { socketFactory }),
    connectionTimeout: 2000,
    // Longer than a dead member is waited for. See: [Note: Members that died]
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries },
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        // What the driver calls errors are mostly retries; what fails in the end is thrown, and logged by whoever gets it.
        log.info({ kafka: namespace, detail: error as unknown }, message),
  });
}

function saslOf({ mechanism, username, password }: NonNullable<KafkaSettings['credentials']>) {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}
