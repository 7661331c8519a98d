import { describe, it } from 'vitest';
import { readConfig } from '../config.ts';
import type { EngineName, Engines } from '../engine-settings.ts';

/** Variables with the address of the test server of each engine. */
const addressOf: Readonly<Record<EngineName, string>> = {
  scylla: 'SCYLLA_CONTACT_POINTS',
  milvus: 'MILVUS_ADDRESS',
  s3: 'S3_ENDPOINT',
  kafka: 'KAFKA_BROKERS',
  dragonfly: 'DRAGONFLY_URL',
};

/**
 * Tests that need a real engine. If its address is not in the environment, the tests are skipped with a message; with
 * CONTRACT_REQUIRED=1 they fail. `body` receives the settings. Tests create resources with unique names and remove them.
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
        throw new Error(`CONTRACT_REQUIRED=1 requires ${addressOf[name]}, which is not set`);
      });
    });
  } else {
    describe(title, () => {
      it.skip(`needs a running server in ${addressOf[name]}`);
    });
  }
}

/** The engine's settings, as a process in distributed mode reads them. */
export const engineSettingsOf = <Name extends EngineName>(name: Name): Engines[Name] =>
  readConfig({ ...process.env, FREEFACE_MODE: 'distributed' }).engines[name];
