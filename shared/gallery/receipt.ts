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

/** What the API says an erasure receipt is. */
export const receiptSchema = z
  .object({
    receipt_id: z.string(),
    tenant: z.string(),
    person_id: z.string(),
    requested_by: z.string().nullable().describe('Who asked, as in the audit log.'),
    request_id: z.string(),
    requested_at: z.string(),
    completed_at: z.string(),
    removed: z
      .object({
        persons: z.number().int(),
        faces: z.number().int(),
        templates: z.number().int(),
        images: z.number().int(),
        jobs: z.number().int().describe('Enrolments that waited, or whose outcome was kept.'),
      })
      .describe('How many of each were removed.'),
    read_back: z
      .object({ records: readBack, templates: readBack, images: readBack, jobs: readBack, cached_answers: readBack })
      .describe('Stores that were asked afterwards and had nothing left; an erasure of which one has is answered 500.'),
    signature: z
      .string()
      .describe(
        'The other fields as a compact JWS (EdDSA), to be checked with the keys of /.well-known/jwks.json, now and later.',
      ),
  })
  .describe('Proof of the erasure. The audit log keeps its id and a digest, and the ids of what was removed.');
export type Receipt = z.output<typeof receiptSchema>;

/**
 * Erases a person and gives a signed receipt.
 *
 * [Note: What stays of an erased person]
 * The audit log keeps the ids, no names: that somebody was erased, at whose request, and who had looked at them before, is what
 * the controller has to be able to prove (GDPR articles 5(2) and 30), and such a record may be kept for it (article 17(3)(b), (e)).
 * The receipt itself is given out once; its id and the digest of its signature stand in the log, so that it can be recognised.
 *
 * Errors: PERSON_NOT_FOUND; NOT_READY when there is no key to sign with, before anything is removed; INTERNAL when something is
 * still there.
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
