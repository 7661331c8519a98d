import * as z from 'zod';
import { roles, scopes } from '../domain/access.ts';
import { passwordLength, passwordProblem } from '../domain/password-rules.ts';
import { AppError } from '../errors.ts';
import type { ApiKey, OpenSession, Quota, Retention, TenantRecord, User } from '../ports/accounts.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';
import { isPrintable, presentTime, presentTimeOrNull } from './gallery.ts';

/** The shapes of users, keys, tenants and logins on the wire. */

const label = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  .refine(isPrintable, 'must not have control characters');

export const userName = label.describe('For people to read.');
export const keyName = label.describe('What the key is for.');
export const tenantName = label.describe('For people to read.');

export const tenantId = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z 0-9 _ -')
  .describe('Id of a tenant.');

/** A checked id as the type that the ports take. */
export const toTenant = (id: z.output<typeof tenantId>): Tenant => asTenant(id);

export const userId = z.guid('must be a UUID').describe('Id of a user.');
export const keyId = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be the id of a key')
  .describe('Id of a service key: the third part of the key.');

export const username = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
    'must be 1 to 128 of A-Z a-z 0-9 . _ @ + - and begin with a letter or digit',
  )
  .describe('What is typed to log in; upper and lower case are the same.');

/** One that is compared; anything may have been typed. */
export const password = z.string().min(1, 'must not be empty').max(256, 'must have at most 256 characters');

export const newPassword = z
  .string()
  .max(512, `must have at most ${passwordLength.most} characters`)
  .describe(`${passwordLength.least} to ${passwordLength.most} characters, not easily guessed, not the username.`);

/** Errors: VALIDATION_FAILED that names `field`. */
export function checkNewPassword(given: string, owner: Pick<User, 'username'>, field: string): void {
  const issue = passwordProblem(given, owner.username);
  if (issue !== null) refuseField(field, issue);
}

/** Throws VALIDATION_FAILED in the form of a schema's refusal. */
export function refuseField(field: string, issue: string): never {
  throw new AppError('VALIDATION_FAILED', { message: `${field}: ${issue}`, details: [{ field, issue }] });
}

/** Errors: VALIDATION_FAILED when a change gives none of its fields, which `wanted` lists. */
export function refuseNothing(change: object, wanted: string): void {
  if (Object.values(change).some((value) => value !== undefined)) return;
  const details = [{ field: 'name', issue: `give ${wanted}` }];
  throw new AppError('VALIDATION_FAILED', { message: `Nothing to change: give ${wanted}.`, details });
}

export const role = z
  .enum(roles)
  .describe('viewer looks; operator also enrols and erases; admin rules the tenant; owner also makes tenants.');
export const scope = z.enum(scopes);

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable();
const days = z.number().int().min(1).max(36_500).nullable();

export const quota = z
  .strictObject({ persons: count.optional(), faces: count.optional(), bytes: count.optional() })
  .describe('How much the tenant may hold; null: as much as there is room for.');
export const retention = z
  .strictObject({ images_days: days.optional(), unknown_faces_days: days.optional() })
  .describe('Days after which images, and faces of nobody known, go by themselves; null: never.');
export const consentRequired = z
  .boolean()
  .describe('Whether enrolment of somebody without a consent that is in force is refused.');

/** The stored quota with the given fields in their place. */
export const mergedQuota = (stored: Quota, given: z.output<typeof quota> | undefined): Quota => ({
  persons: given?.persons === undefined ? stored.persons : given.persons,
  faces: given?.faces === undefined ? stored.faces : given.faces,
  bytes: given?.bytes === undefined ? stored.bytes : given.bytes,
});

/** The stored retention with the given fields in their place. */
export const mergedRetention = (stored: Retention, given: z.output<typeof retention> | undefined): Retention => ({
  imagesDays: given?.images_days === undefined ? stored.imagesDays : given.images_days,
  unknownFacesDays: given?.unknown_faces_days === undefined ? stored.unknownFacesDays : given.unknown_faces_days,
});

// Answers

export const user = z.object({
  user_id: z.string(),
  username: z.string(),
  name: z.string(),
  role,
  disabled: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
  version: z.number().int(),
});

export const apiKey = z.object({
  key_id: z.string(),
  name: z.string(),
  scopes: z.array(scope),
  created_by: z.string().nullable().describe('`user:…`, `key:…` or `outside:…`; null: the platform itself.'),
  created_at: z.string(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
});

export const secretKey = z
  .string()
  .describe('The key itself, for `X-API-Key` or `Authorization: Bearer`. It is shown this once.');

export const tenant = z.object({
  tenant: z.string(),
  name: z.string(),
  quota: z.object({ persons: count, faces: count, bytes: count }),
  consent_required: z.boolean(),
  retention: z.object({ images_days: days, unknown_faces_days: days }),
  created_at: z.string(),
  updated_at: z.string(),
  version: z.number().int(),
});

export const tokens = z.object({
  access_token: z.string().describe('For `Authorization: Bearer`.'),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int().describe('Seconds.'),
  refresh_token: z.string().describe('Good for one use: each refresh gives the next.'),
  refresh_expires_in: z.number().int().describe('Seconds.'),
  user: z.object({ user_id: z.string(), username: z.string(), name: z.string(), role, tenant: z.string() }),
});

export const presentUser = (stored: User) => ({
  user_id: stored.userId,
  username: stored.username,
  name: stored.name,
  role: stored.role,
  disabled: stored.disabled,
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  version: stored.version,
});

export const presentApiKey = (stored: ApiKey) => ({
  key_id: stored.keyId,
  name: stored.name,
  scopes: [...stored.scopes],
  created_by: stored.createdBy,
  created_at: presentTime(stored.createdAt),
  expires_at: presentTimeOrNull(stored.expiresAt),
  revoked_at: presentTimeOrNull(stored.revokedAt),
});

export const presentTenant = (stored: TenantRecord) => ({
  tenant: stored.tenant,
  name: stored.name,
  quota: { ...stored.quota },
  consent_required: stored.consentRequired,
  retention: { images_days: stored.retention.imagesDays, unknown_faces_days: stored.retention.unknownFacesDays },
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  version: stored.version,
});

export const presentTokens = ({ tenant: id, user: who, ...session }: OpenSession) => ({
  access_token: session.accessToken,
  token_type: 'Bearer' as const,
  expires_in: session.expiresIn,
  refresh_token: session.refreshToken,
  refresh_expires_in: session.refreshExpiresIn,
  user: { user_id: who.userId, username: who.username, name: who.name, role: who.role, tenant: id },
});

/** Secrets stay out of every cache on the way. */
export const notStored = { 'cache-control': 'no-store' };
