import { readFileSync } from 'node:fs';
import { parse as parseEnvironment } from 'dotenv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../shared/config.ts';

const compose = parse(readFileSync('scripts/compose.yaml', 'utf8'), { merge: true });
const environment = parseEnvironment(readFileSync('scripts/compose.env'));
const services: [string, { image: string; ports: string[]; environment?: Record<string, string> }][] = Object.entries(
  compose.services,
);

describe('the engines for one machine', () => {
  it('When the settings are read, then no engine lacks a variable, and compose.yaml serves all addresses', () => {
    const { mode, engines } = readConfig({ ...environment });
    const served = services.flatMap(([, { ports }]) => ports.map((port) => port.split(':').slice(0, 2).join(':')));

    expect(mode).toBe('distributed');
    expect(engines.missing(['scylla', 'milvus', 's3', 'kafka', 'dragonfly'])).toEqual([]);
    const addresses = [
      ...engines.scylla.contactPoints,
      engines.milvus.address,
      new URL(engines.s3.endpoint).host,
      ...engines.kafka.brokers,
      new URL(engines.dragonfly.url).host,
    ];
    expect(served).toEqual(expect.arrayContaining(addresses));
  });

  it('When the engines are started, then versions are fixed, only this machine reaches them, and MinIO encrypts with a key of 32 bytes', () => {
    const minio = compose.services.minio.environment;

    for (const [name, { image, ports }] of services) {
      expect(image, name).toMatch(/:(v?\d+\.\d+|RELEASE\.\d)/);
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
    expect(Buffer.from(minio.MINIO_KMS_SECRET_KEY.split(':')[1], 'base64')).toHaveLength(32);
    expect([minio.MINIO_ROOT_USER, minio.MINIO_ROOT_PASSWORD]).toEqual([
      environment.S3_ACCESS_KEY_ID,
      environment.S3_SECRET_ACCESS_KEY,
    ]);
  });
});
