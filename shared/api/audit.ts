import * as z from 'zod';
import type { AuditFilter } from '../ports/audit.ts';
import * as wire from './gallery.ts';

/** Schemas of the audit log. `auditLine` in shared/domain/audit-chain.ts presents an entry. */

export const filterFields = {
  actor: z
    .string()
    .regex(/^(system|(user|key|outside):.{1,256})$/, 'must be system, or user:, key: or outside: and an id')
    .optional()
    .describe('Caller: `system`, or `user:`, `key:` or `outside:` and the id.'),
  action: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a function')
    .optional()
    .describe('Operation, such as `get-person`.'),
  person_id: wire.personId.optional().describe('Only entries that contain this person.'),
  face_id: wire.faceId.optional().describe('Only entries that contain this face.'),
  image_id: wire.imageId.optional().describe('Only entries that contain this image.'),
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be a request id of 1 to 128 characters of A-Z a-z 0-9 . _ -')
    .optional()
    .describe('`X-Request-Id` of the response.'),
  from: wire.timestamp.optional().describe('Start of the period, inclusive.'),
  to: wire.timestamp.optional().describe('End of the period, exclusive.'),
};

type Filter = z.output<z.ZodObject<typeof filterFields>>;

export const toFilter = (given: Filter): AuditFilter => ({
  actor: given.actor,
  action: given.action,
  personId: given.person_id,
  faceId: given.face_id,
  imageId: given.image_id,
  requestId: given.request_id,
  from: given.from === undefined ? undefined : Date.parse(given.from),
  to: given.to === undefined ? undefined : Date.parse(given.to),
});

export const entry = z
  .object({
    tenant: z.string(),
    chain: z
      .string()
      .describe('Id of the chain. Each writer of the log has its own chain, which begins with sequence 1.'),
    sequence: z.number().int().describe('Position in the chain, from 1.'),
    previous: z.string().describe('`hash` of the previous entry in the chain; 64 zeros in the first entry.'),
    at: z.string().describe('Time of the entry.'),
    action: z.string().describe('Operation, such as `get-person`.'),
    actor: z
      .string()
      .nullable()
      .describe('Caller: `system`, or `user:`, `key:` or `outside:` and the id; null: unknown.'),
    actor_name: z.string().nullable().describe('Display name of the caller.'),
    subjects: z
      .object({
        person_ids: z.array(z.string()),
        face_ids: z.array(z.string()),
        image_ids: z.array(z.string()),
        more: z.number().int().describe('Number of ids that the entry leaves out. It has at most 100 of each kind.'),
      })
      .describe('Ids in the request and in its response.'),
    status: z
      .number()
      .int()
      .describe('HTTP status of the response; 102: the entry announces an operation that follows.'),
    code: z.string().nullable().describe('Error code; null: the request succeeded.'),
    address: z.string().nullable().describe('IP address of the caller; null: the platform itself.'),
    request_id: z.string(),
    details: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .describe('Further facts, such as what an erasure deleted. They contain no names, images or secrets.'),
    hash: z.string().describe('SHA-256 of the other fields as canonical JSON (RFC 8785), in hex.'),
  })
  .describe('An entry of the audit log.');

export const exampleEntry = {
  tenant: 'default',
  chain: 'c0be1fb5-6d6c-4f5c-8e0d-7a3f1f5bd0b1',
  sequence: 1,
  previous: '0'.repeat(64),
  at: '2026-05-01T12:00:00.000Z',
  action: 'get-person',
  actor: 'key:vYx1y0cGf0aK',
  actor_name: 'gate',
  subjects: { person_ids: ['employee_123'], face_ids: [], image_ids: [], more: 0 },
  status: 200,
  code: null,
  address: '192.0.2.7',
  request_id: '01a20d7d-5463-74f0-9d9f-eeae117700f8',
  details: {},
  hash: '6bbb39902e6ad55464712f6ca53d46c488daf8c62e0519e19ba6162306290fbf',
};
