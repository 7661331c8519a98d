import { createHash, randomUUID } from 'node:crypto';
import type { NewApiKey, NewTenant, NewUser, Session, SigningKey } from '../ports/accounts.ts';
import { newTenant } from './record-factories.ts';

export const newTenantRecord = (fields: Partial<NewTenant> = {}): NewTenant => ({
  tenant: newTenant(),
  name: 'Works council of Müller & Söhne',
  quota: { persons: 1000, faces: null, bytes: 5_000_000_000 },
  consentRequired: true,
  retention: { imagesDays: 90, unknownFacesDays: null },
  timeZone: 'Europe/Berlin',
  ...fields,
});

export const newUser = (fields: Partial<NewUser> = {}): NewUser => ({
  userId: randomUUID(),
  username: `user-${randomUUID()}`,
  name: 'Ada Lovelace',
  role: 'operator',
  passwordHash: '$scrypt$one',
  disabled: false,
  endsWith: null,
  ...fields,
});

export const newApiKeyRecord = (fields: Partial<NewApiKey> = {}): NewApiKey => ({
  keyId: randomUUID(),
  name: 'door 7',
  scopes: ['faces:read', 'persons:read'],
  secretDigest: digestOf(randomUUID()),
  createdBy: 'user:ada',
  endsWith: null,
  expiresAt: null,
  ...fields,
});

/** `expiresAt` must be later than the clock's time. */
export const newSession = (
  fields: Pick<Session, 'userId' | 'expiresAt'> & Partial<Session>,
): Omit<Session, 'createdAt'> => ({
  sessionId: randomUUID(),
  refreshDigest: digestOf('first'),
  ...fields,
});

export const newSigningKey = (): Omit<SigningKey, 'createdAt'> => ({
  keyId: randomUUID(),
  algorithm: 'EdDSA',
  privateJwk: '{"kty":"OKP","d":"secret"}',
  publicJwk: '{"kty":"OKP"}',
});

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
