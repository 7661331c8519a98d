import { createHash } from 'node:crypto';
import * as z from 'zod';
import { presentTime } from '../api/gallery.ts';
import { AppError } from '../errors.ts';
import type { AuditNote, CallContext } from '../function/define.ts';
import { signStatement } from '../identity/tokens.ts';
import type { Ports } from '../ports/index.ts';
import { type Erased, erasePerson } from './erase.ts';

type ReceiptPorts = Pick<Ports, 'records' | 'vectors' | 'images' | 'accounts'>;

const readBack = z.literal(true);

/** The erasure receipt as the API describes it. */
export const receiptSchema = z
  .object({
    receipt_id: z.string(),
    tenant: z.string(),
    person_id: z.string(),
    requested_by: z.string().nullable().describe('The caller, as in the audit log.'),
    request_id: z.string(),
    requested_at: z.string(),
    completed_at: z.string(),
    removed: z
      .object({
        persons: z.number().int(),
        faces: z.number().int(),
        templates: z.number().int(),
        images: z.number().int(),
        jobs: z.number().int().describe('Enrolment jobs that were queued, or whose result was stored.'),
      })
      .describe('Number of removed objects by kind.'),
    read_back: z
      .object({ records: readBack, templates: readBack, images: readBack, jobs: readBack, cached_answers: readBack })
      .describe('Stores that were read back and had no data left. If a store still has data, the response is 500.'),
    signature: z
      .string()
      .describe(
        'The other fields as a compact JWS (EdDSA). The keys of /.well-known/jwks.json verify it, now and later.',
      ),
  })
  .describe(
    'Proof of the erasure. The audit log keeps the id and a digest of the receipt, and the ids of the removed objects.',
  );
export type Receipt = z.output<typeof receiptSchema>;

/**
 * Erases a person and returns a signed receipt.
 *
 * [Note: Data that stays after an erasure]
 * The audit log keeps ids, but no names. It records the erasure, the caller who requested it, and earlier accesses to the person's data.
 * The controller must be able to prove these facts (GDPR articles 5(2) and 30) and may keep such a record (article 17(3)(b), (e)).
 * The receipt is returned once and not stored. The log has its id and the digest of its signature, so that the receipt can be checked.
 *
 * Errors: PERSON_NOT_FOUND; NOT_READY if there is no signing key, before anything is removed; INTERNAL if a store still has data.
 */
export async function erasePersonWithReceipt(
  personId: string,
  call: CallContext,
  ports: ReceiptPorts,
): Promise<{ erased: Erased; receipt: Receipt; audit: AuditNote }> {
  const { tenant, clock, principal, requestId, newId, signal } = call;
  const requestedAt = clock.now();
  if ((await ports.accounts.signingKeys({ signal })).length === 0) throw new AppError('NOT_READY');
  const erased = await erasePerson(personId, call, ports);
  const statement = {
    receipt_id: newId(),
    tenant,
    person_id: personId,
    requested_by: principal === null ? null : `${principal.kind}:${principal.id}`,
    request_id: requestId,
    requested_at: presentTime(requestedAt),
    completed_at: presentTime(clock.now()),
    removed: {
      persons: 1,
      faces: erased.faces,
      templates: erased.vectors,
      images: erased.images,
      jobs: erased.jobs,
    },
    read_back: { records: true, templates: true, images: true, jobs: true, cached_answers: true },
  } as const;
  const signature = await signStatement(statement, { accounts: ports.accounts, clock });
  return { erased, receipt: { ...statement, signature }, audit: noteOf(erased, statement.receipt_id, signature) };
}

const noteOf = (erased: Erased, receiptId: string, signature: string): AuditNote => ({
  about: { face_ids: erased.faceIds, image_ids: erased.imageIds },
  details: {
    receipt_id: receiptId,
    receipt_digest: createHash('sha256').update(signature).digest('hex'),
    faces: erased.faces,
    templates: erased.vectors,
    images: erased.images,
    jobs: erased.jobs,
  },
});
