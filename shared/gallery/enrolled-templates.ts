import { AppError } from '../errors.ts';
import type { PackDescription } from '../ports/extractor.ts';
import type { Ports } from '../ports/index.ts';
import type { Face } from '../ports/records/faces.ts';
import type { Identity } from '../ports/records/persons.ts';
import type { Tenant } from '../ports/tenant.ts';
import type { VectorEntry } from '../ports/vectors.ts';

type TemplatePorts = Pick<Ports, 'records' | 'vectors'>;
interface Caller {
  readonly tenant: Tenant;
  readonly signal: AbortSignal;
}

/**
 * The record and the template of an enrolled face. Errors: FACE_NOT_FOUND; STRATEGY_UNAVAILABLE when it has no template of the pack.
 */
export async function templateOfFace(
  faceId: string,
  pack: PackDescription,
  { tenant, signal }: Caller,
  { records, vectors }: TemplatePorts,
): Promise<{ readonly face: Face; readonly entry: VectorEntry }> {
  const [[face], [entry]] = await Promise.all([
    records.getFaces(tenant, [faceId], { signal }),
    vectors.get(tenant, pack, [faceId], { signal }),
  ]);
  if (face === undefined)
    throw new AppError('FACE_NOT_FOUND', { details: [{ field: 'face_id', issue: 'is not enrolled' }] });
  if (entry === undefined) throw otherModel('face_id', pack);
  return { face, entry };
}

export interface PersonTemplates {
  readonly person: Identity;
  /** At most 1,000 faces of the person, the newest first. */
  readonly faces: readonly Face[];
  /** Templates of the newest faces of the pack, in no particular order. Empty only when the person has no face. */
  readonly entries: readonly VectorEntry[];
}

/**
 * The templates of the newest faces of a person, at most `most`. Errors: PERSON_NOT_FOUND; STRATEGY_UNAVAILABLE when no face has a
 * template of the pack.
 */
export async function templatesOfPerson(
  personId: string,
  pack: PackDescription,
  most: number,
  { tenant, signal }: Caller,
  { records, vectors }: TemplatePorts,
): Promise<PersonTemplates> {
  const [person] = await records.getIdentities(tenant, { personIds: [personId] }, { signal });
  if (person === undefined)
    throw new AppError('PERSON_NOT_FOUND', { details: [{ field: 'person_id', issue: 'is not enrolled' }] });
  const { items: faces } = await records.listFaces(tenant, { personId }, { limit: 1000, signal });
  const ids = faces.filter(({ space }) => space === pack.space).map(({ faceId }) => faceId);
  const entries = await vectors.get(tenant, pack, ids.slice(0, most), { signal });
  if (faces.length > 0 && entries.length === 0) throw otherModel('person_id', pack);
  return { person, faces, entries };
}

const otherModel = (field: string, pack: PackDescription) =>
  new AppError('STRATEGY_UNAVAILABLE', {
    message: `The probe has no template of the model pack ${pack.pack}. Set strategy to the pack that it was enrolled with.`,
    details: [{ field, issue: 'was enrolled with another model pack' }],
  });
