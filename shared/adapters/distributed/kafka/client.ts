import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { AdapterOptions } from '../../../function/adapter-options.ts';
import { tlsOptions } from '../tls.ts';

export type KafkaSettings = AdapterOptions['engines']['kafka'];
type Log = Pick<AdapterOptions['log'], 'info' | 'warn' | 'error'>;

export interface KafkaClientOptions {
  /** Default 4. A consumer that keeps retrying keeps its place in the group; a new one waits until the broker removes the old one. */
  readonly retries?: number | undefined;
  /** Opens the connection to a broker; the broker itself announces its address. Default: a direct connection. */
  readonly socketFactory?: KafkaConfig['socketFactory'] | undefined;
}

/** Connects, with time-outs and retries. Callers have their own time limits in addition. See: [Note: Every call has a time limit] */
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
    // Longer than the group waits for a dead member. See: [Note: Dead members]
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries },
    logLevel: logLevel.ERROR,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        // Most errors that the driver logs are retried. The final error is thrown, and the caller logs it.
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
