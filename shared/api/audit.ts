import * as z from 'zod';
import type { AuditFilter } from '../ports/audit.ts';
import * as wire from './gallery.ts';

/** The audit log as the API shows it; see auditLine in shared/domain/audit-chain.ts for how an entry is presented. */

export const filterFields = {
  actor: z
    .string()
    .regex(/^(system|(user|key|outside):.{1,256})$/, 'must be system, or user:, key: or outside: and an id')
    .optional()
    .describe('Who did it: `system`, or `user:`, `key:` or `outside:` and the id.'),
  action: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a function')
    .optional()
    .describe('What was done: an operation of this API, such as `get-person`.'),
  person_id: wire.personId.optional().describe('Whom it was about.'),
  face_id: wire.faceId.optional(),
  image_id: wire.imageId.optional(),
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must have the form of a request id')
    .optional()
    .describe('`X-Request-Id` of the answer.'),
  from: wire.timestamp.optional().describe('From this time on.'),
  to: wire.timestamp.optional().describe('Until before this time.'),
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
    chain: z.string().describe('One writer of the log; each chain begins with sequence 1.'),
    sequence: z.number().int(),
    previous: z.string().describe('`hash` of the entry before; 64 zeros for the first.'),
    at: z.string(),
    action: z.string(),
    actor: z.string().nullable().describe('null: it was not known who called.'),
    actor_name: z.string().nullable(),
    subjects: z
      .object({
        person_ids: z.array(z.string()),
        face_ids: z.array(z.string()),
        image_ids: z.array(z.string()),
        more: z.number().int().describe('How many more there were; at most 100 of each kind are kept.'),
      })
      .describe('Whom the call asked for and its answer spoke of.'),
    status: z.number().int().describe('HTTP status of the answer; 102: about to be done.'),
    code: z.string().nullable().describe('Error code, null when it succeeded.'),
    address: z.string().nullable(),
    request_id: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    hash: z.string().describe('SHA-256 of the other fields as canonical JSON (RFC 8785), hex.'),
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
