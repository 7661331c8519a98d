import { type Decision, decide } from '../domain/decision.ts';
import { similarityOf } from '../domain/similarity.ts';
import type { PackDescription } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import type { Identity, PersonRecords } from '../ports/records/persons.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { VectorHit } from '../ports/vectors.ts';
import { mayBeNamed } from './consent.ts';

export interface Identification {
  readonly decision: Decision;
  /** Calibrated similarity to the nearest person, 0..1; 0 in an empty gallery. */
  readonly similarity: number;
  /** The matched person (match) or the likely person (review); null if unknown. */
  readonly person: Identity | null;
  /** Number of templates in the gallery that belong to a person. */
  readonly templates: number;
}

/** More than one, so that a face of a just erased person does not hide the next face. */
const candidates = 10;

/**
 * Finds the person of a face, at the false-positive rate `fpir` for the current gallery size. A person without a consent in force at
 * `consentAt` is ignored (see TenantRules).
 */
export async function identify(
  tenant: Tenant,
  probe: Float32Array,
  {
    pack,
    fpir,
    consentAt,
    signal,
    notFaceIds,
  }: {
    pack: PackDescription;
    fpir: number;
    consentAt: number | null;
    signal: AbortSignal;
    notFaceIds?: readonly string[];
  },
  { vectors, records }: Pick<Ports, 'vectors' | 'records'>,
): Promise<Identification> {
  const [{ assigned }, hits] = await Promise.all([
    vectors.count(tenant, pack, { consistency: 'bounded', signal }),
    vectors.search(tenant, pack, probe, { limit: candidates, filter: { assigned: true, notFaceIds }, signal }),
  ]);
  const persons = await personsOf(tenant, hits, { consentAt, signal }, records);
  const nearest = hits.find((hit) => hit.personId !== null && persons.has(hit.personId));
  if (nearest === undefined) return { decision: 'unknown', similarity: 0, person: null, templates: assigned };
  const decision = decide(pack.calibration, nearest.cosine, fpir, assigned);
  return {
    decision,
    similarity: similarityOf(nearest.cosine, pack.calibration),
    person: decision === 'unknown' ? null : persons.get(nearest.personId!)!,
    templates: assigned,
  };
}

/** The persons of the hits that may be named, by id. Leaves out persons that were erased since the search. */
export async function personsOf(
  tenant: Tenant,
  hits: readonly Pick<VectorHit, 'personId'>[],
  { consentAt, signal }: { readonly consentAt: number | null; readonly signal: AbortSignal },
  records: PersonRecords,
): Promise<Map<string, Identity>> {
  const ids = [...new Set(hits.flatMap(({ personId }) => (personId === null ? [] : [personId])))];
  const found = new Map<string, Identity>();
  for (let start = 0; start < ids.length; start += 1000) {
    for (const person of await records.getIdentities(tenant, { personIds: ids.slice(start, start + 1000) }, { signal }))
      if (mayBeNamed(person, consentAt)) found.set(person.personId, person);
  }
  return found;
}
