import * as z from 'zod';
import { roles, scopes } from '../domain/access.ts';
import { isTimeZone } from '../domain/capture-time.ts';
import { passwordLength, passwordProblem } from '../domain/password-rules.ts';
import { AppError } from '../errors.ts';
import type { ApiKey, OpenSession, Quota, Retention, TenantRecord, User } from '../ports/accounts.ts';
import { asTenant, type Tenant } from '../ports/tenant.ts';
import { isPrintable, presentTime, presentTimeOrNull } from './gallery.ts';

/** Schemas of users, keys, tenants and logins, and functions that present stored records in them. */

const label = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must have at most 128 characters')
  .refine(isPrintable, 'must not have control characters');

export const userName = label.describe('Display name of the user.');
export const keyName = label.describe('Display name of the key, such as the service that uses it.');
export const tenantName = label.describe('Display name of the tenant.');

export const tenantId = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, 'must have 1 to 64 characters of a-z 0-9 _ -')
  .describe('Id of a tenant.');

/** A validated id in the type of the ports. */
export const toTenant = (id: z.output<typeof tenantId>): Tenant => asTenant(id);

export const userId = z.guid('must be a UUID').describe('Id of a user.');
export const keyId = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be the id of a key')
  .describe('Id of a service key. It is the third part of the key.');

export const username = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
    'must have 1 to 128 characters of A-Z a-z 0-9 . _ @ + - and begin with a letter or digit',
  )
  .describe('Name that the user logs in with. Upper and lower case are the same.');

/** A password to compare with the stored one; the rules for a new password do not apply. */
export const password = z.string().min(1, 'must not be empty').max(256, 'must have at most 256 characters');

export const newPassword = z
  .string()
  .max(512, `must have at most ${passwordLength.most} characters`)
  .describe(
    `${passwordLength.least} to ${passwordLength.most} characters. It must not be easy to guess, and it must not be the username.`,
  );

/** Checks the rules for a new password. Errors: VALIDATION_FAILED, which names `field`. */
export function checkNewPassword(given: string, owner: Pick<User, 'username'>, field: string): void {
  const issue = passwordProblem(given, owner.username);
  if (issue !== null) refuseField(field, issue);
}

/** Throws VALIDATION_FAILED in the same form as a schema does. */
export function refuseField(field: string, issue: string): never {
  throw new AppError('VALIDATION_FAILED', { message: `${field}: ${issue}`, details: [{ field, issue }] });
}

/** Refuses a change without any field. `wanted`: the names of its fields, for the message. Errors: VALIDATION_FAILED. */
export function refuseNothing(change: object, wanted: string): void {
  if (Object.values(change).some((value) => value !== undefined)) return;
  const details = [{ field: 'name', issue: `give ${wanted}` }];
  throw new AppError('VALIDATION_FAILED', { message: `Nothing to change: give ${wanted}.`, details });
}

export const role = z
  .enum(roles)
  .describe(
    'viewer: read the gallery and recognise faces. operator: also enrol and erase. admin: also manage the tenant and its users. owner: also create and manage other tenants.',
  );
export const scope = z.enum(scopes);

const limit = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable();
const days = z.number().int().min(1).max(36_500).nullable();

const quotaMeaning = 'Most persons, faces and bytes of stored images that the tenant may have; null: no limit.';
const retentionMeaning =
  'Days from the enrolment until images, and faces that belong to no person, are deleted automatically; null: never.';

export const quota = z
  .strictObject({ persons: limit.optional(), faces: limit.optional(), bytes: limit.optional() })
  .describe(quotaMeaning);
export const retention = z
  .strictObject({ images_days: days.optional(), unknown_faces_days: days.optional() })
  .describe(retentionMeaning);
const timeZoneMeaning =
  'IANA time zone of cameras that write neither an offset nor a GPS time, such as `Europe/Berlin`; null: their times are taken as UTC.';
export const timeZone = z
  .string()
  .refine(isTimeZone, 'must be the name of an IANA time zone, such as Europe/Berlin')
  .nullable()
  .describe(timeZoneMeaning);
export const consentRequired = z.boolean().describe('true: a person can be enrolled only with a valid consent.');

/** Returns the stored quota with the given fields replaced. */
export const mergedQuota = (stored: Quota, given: z.output<typeof quota> | undefined): Quota => ({
  persons: given?.persons === undefined ? stored.persons : given.persons,
  faces: given?.faces === undefined ? stored.faces : given.faces,
  bytes: given?.bytes === undefined ? stored.bytes : given.bytes,
});

/** Returns the stored retention with the given fields replaced. */
export const mergedRetention = (stored: Retention, given: z.output<typeof retention> | undefined): Retention => ({
  imagesDays: given?.images_days === undefined ? stored.imagesDays : given.images_days,
  unknownFacesDays: given?.unknown_faces_days === undefined ? stored.unknownFacesDays : given.unknown_faces_days,
});

// Responses

const version = z
  .number()
  .int()
  .describe('1 at first, then 1 more with each change. In double quotes, it is the `ETag` for `If-Match`.');

const endsWithKey = z
  .string()
  .nullable()
  .describe('Id of the key on which it depends: it ends when this key is revoked or expires. null: none.');

export const user = z.object({
  user_id: z.string(),
  username: z.string().describe('In lower case.'),
  name: z.string(),
  role,
  disabled: z.boolean().describe('A disabled user cannot log in.'),
  ends_with_key: endsWithKey,
  created_at: z.string(),
  updated_at: z.string(),
  version,
});

export const apiKey = z.object({
  key_id: z.string(),
  name: z.string(),
  scopes: z.array(scope),
  created_by: z.string().nullable().describe('Creator: `user:…`, `key:…` or `outside:…`; null: the platform itself.'),
  ends_with_key: endsWithKey,
  created_at: z.string(),
  expires_at: z.string().nullable().describe('null: the key does not expire.'),
  revoked_at: z.string().nullable().describe('null: the key is not revoked.'),
});

export const secretKey = z
  .string()
  .describe('The key itself, for the header `X-API-Key` or `Authorization: Bearer`. It is shown only once.');

export const tenant = z.object({
  tenant: z.string().describe('Id of the tenant.'),
  name: z.string(),
  quota: z.object({ persons: limit, faces: limit, bytes: limit }).describe(quotaMeaning),
  consent_required: consentRequired,
  retention: z.object({ images_days: days, unknown_faces_days: days }).describe(retentionMeaning),
  time_zone: z.string().nullable().describe(timeZoneMeaning),
  created_at: z.string(),
  updated_at: z.string(),
  version,
});

export const tokens = z.object({
  access_token: z.string().describe('For the header `Authorization: Bearer`.'),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int().describe('Lifetime of the access token, in seconds.'),
  refresh_token: z.string().describe('Valid for one refresh, which returns the next refresh token.'),
  refresh_expires_in: z.number().int().describe('Lifetime of the refresh token, in seconds.'),
  user: z.object({ user_id: z.string(), username: z.string(), name: z.string(), role, tenant: z.string() }),
});

export const presentUser = (stored: User) => ({
  user_id: stored.userId,
  username: stored.username,
  name: stored.name,
  role: stored.role,
  disabled: stored.disabled,
  ends_with_key: stored.endsWith,
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  version: stored.version,
});

export const presentApiKey = (stored: ApiKey) => ({
  key_id: stored.keyId,
  name: stored.name,
  scopes: [...stored.scopes],
  created_by: stored.createdBy,
  ends_with_key: stored.endsWith,
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
  time_zone: stored.timeZone,
  created_at: presentTime(stored.createdAt),
  updated_at: presentTime(stored.updatedAt),
  version: stored.version,
});

export const presentTokens = ({ tenant: id, user: owner, ...session }: OpenSession) => ({
  access_token: session.accessToken,
  token_type: 'Bearer' as const,
  expires_in: session.expiresIn,
  refresh_token: session.refreshToken,
  refresh_expires_in: session.refreshExpiresIn,
  user: { user_id: owner.userId, username: owner.username, name: owner.name, role: owner.role, tenant: id },
});

/** Headers that keep a response with secrets out of every cache. */
export const notStored = { 'cache-control': 'no-store' };
