import { describe, it } from 'vitest';
import { readConfig } from '../config.ts';
import type { EngineName, Engines } from '../engine-settings.ts';

/** Variables that say where a server for tests is. */
const addressOf: Readonly<Record<EngineName, string>> = {
  scylla: 'SCYLLA_CONTACT_POINTS',
  milvus: 'MILVUS_ADDRESS',
  s3: 'S3_ENDPOINT',
  kafka: 'KAFKA_BROKERS',
  dragonfly: 'DRAGONFLY_URL',
};

/**
 * Tests that need a real engine. Without its address in the environment they are skipped and say so; with CONTRACT_REQUIRED=1
 * they fail. `body` gets the settings; tests make names of their own and remove them.
 */
export function describeEngine<Name extends EngineName>(
  name: Name,
  title: string,
  body: (settings: Engines[Name]) => void,
): void {
  if (process.env[addressOf[name]]) describe(title, () => body(engineSettingsOf(name)));
  else if (process.env.CONTRACT_REQUIRED === '1') {
    describe(title, () => {
      it(`needs ${addressOf[name]}`, () => {
        throw new Error(`CONTRACT_REQUIRED=1, and ${addressOf[name]} is not set`);
      });
    });
  } else {
    describe(title, () => {
      it.skip(`needs a running server in ${addressOf[name]}`);
    });
  }
}

/** As a process in distributed mode would read them. */
export const engineSettingsOf = <Name extends EngineName>(name: Name): Engines[Name] =>
  readConfig({ ...process.env, FREEFACE_MODE: 'distributed' }).engines[name];
