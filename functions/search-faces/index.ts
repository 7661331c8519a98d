import * as z from 'zod';
import { limitReached } from '../../shared/api/crowds.ts';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { requireOneOf } from '../../shared/api/one-of.ts';
import type { Box } from '../../shared/domain/geometry.ts';
import { cosineOf, similarityOf } from '../../shared/domain/similarity.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { refuseErased } from '../../shared/gallery/absent-person.ts';
import { templateOfFace, templatesOfPerson } from '../../shared/gallery/enrolled-templates.ts';
import { personsOf } from '../../shared/gallery/identify.ts';
import { tenantRules } from '../../shared/gallery/tenant-rules.ts';
import type { PackDescription } from '../../shared/ports/extractor.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { PersonRecords } from '../../shared/ports/records/persons.ts';
import type { Tenant } from '../../shared/ports/tenant.ts';
import type { VectorFilter, VectorHit } from '../../shared/ports/vectors.ts';

const body = z.object({
  face_id: wire.faceId.optional().describe('Use this enrolled face as the probe, instead of an image.'),
  person_id: wire.personId
    .optional()
    .describe('Use the newest faces of this enrolled person as the probe, instead of an image.'),
  limit: z.number().int().min(1).max(1000).default(10).describe('Maximum number of matches for each face.'),
  min_similarity: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Matches with a lower similarity are left out. 0 returns the nearest faces at any distance.'),
  person_ids: z.array(wire.personId).max(1000).optional().describe('Search only faces of these persons.'),
  external_ids: z
    .array(wire.externalId)
    .max(1000)
    .optional()
    .describe('Search only faces of the persons with these external ids.'),
  captured_between: z
    .strictObject({ from: wire.timestamp, to: wire.timestamp })
    .optional()
    .describe('Search only faces that were photographed in this time range.'),
  near: z
    .strictObject({
      lat: z.number().min(-90).max(90),
      lon: z.number().min(-180).max(180),
      radius_m: z.number().min(1).max(20_100_000),
    })
    .optional()
    .describe('Search only faces that were photographed within this radius.'),
  strategy: wire.strategy,
});
type Body = z.output<typeof body>;

const match = wire.personReference.extend({
  face_id: z.string(),
  person_id: z.string().nullable(),
  similarity: wire.similarity,
  image_id: z.string(),
});

export default defineFunction(
  {
    name: 'search-faces',
    summary: 'Find enrolled faces that are similar to a photo',
    description:
      'For every face in the photo, the response lists the nearest enrolled faces, the most similar first. Instead of a photo, you can use an enrolled face or person as the probe. The platform never adds the probe to the gallery. To get a decision about who a person is, use `faces/recognize`.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/search', scope: 'faces:read' },
    body,
    image: 'optional',
    output: z.object({
      faces: z.array(
        z.object({ box: wire.box.nullable().describe('null if the probe is a person.'), matches: z.array(match) }),
      ),
      limit_reached: limitReached,
    }),
    errors: ['NO_FACE', 'FACE_NOT_FOUND', 'PERSON_NOT_FOUND', 'PERSON_ERASED', 'STRATEGY_UNAVAILABLE'],
    examples: {
      request: { limit: 10, min_similarity: 0.5 },
      response: {
        faces: [
          {
            box: examples.recognizedFace.box,
            matches: [
              {
                face_id: examples.faceId,
                ...examples.recognizedFace.person,
                similarity: 0.802,
                image_id: examples.imageId,
              },
            ],
          },
        ],
        limit_reached: false,
      },
    },
    uses: ['records', 'vectors', 'extractor', 'accounts'],
    ...sizes.vision,
  },
  async ({ body, image, tenant, clock, signal, metrics }, ports) => {
    const { vectors, records, extractor } = ports;
    const { consentAt } = await tenantRules({ tenant, clock, signal }, ports);
    const pack = await extractor.describe(body.strategy, { signal });
    const named = (body.person_ids ?? []).map((personId, i) => ({ field: `person_ids.${i}`, personId }));
    await refuseErased(named, { tenant, signal }, ports);
    const { probes, facesLeftOut } = await findProbes(body, image, pack, { tenant, signal }, ports);
    const filter = await filterOf(body, { tenant, signal }, records);
    const minCosine = body.min_similarity === 0 ? -1 : cosineOf(body.min_similarity, pack.calibration);
    const faces = await Promise.all(
      probes.map(async ({ box, embeddings, notFaceIds }) => {
        const options = { limit: body.limit, minCosine, filter: { ...filter, notFaceIds }, signal };
        const found = await Promise.all(
          embeddings.map((embedding) => vectors.search(tenant, pack, embedding, options)),
        );
        const hits = nearest(found.flat(), body.limit);
        const persons = await personsOf(tenant, hits, { consentAt, signal }, records);
        return { box: box && wire.presentBox(box), matches: hits.flatMap((hit) => presentHit(hit, persons, pack)) };
      }),
    );
    const probe = image !== undefined ? 'image' : body.face_id !== undefined ? 'face' : 'person';
    for (const { matches } of faces) {
      metrics.searches.inc({ probe });
      metrics.searchMatches.observe(matches.length);
    }
    return { data: { faces, limit_reached: facesLeftOut > 0 } };
  },
);

interface Probes {
  readonly probes: readonly Probe[];
  /** See: Extraction */
  readonly facesLeftOut: number;
}
interface Probe {
  readonly box: Box | null;
  readonly embeddings: readonly Float32Array[];
  readonly notFaceIds: readonly string[];
}
interface Caller {
  readonly tenant: Tenant;
  readonly signal: AbortSignal;
}
type ProbePorts = Pick<Ports, 'records' | 'vectors' | 'extractor'>;

/** A search for a person uses at most this many templates of the person, the newest ones. */
const personProbes = 20;

async function findProbes(
  body: Body,
  image: Uint8Array | undefined,
  pack: PackDescription,
  caller: Caller,
  ports: ProbePorts,
): Promise<Probes> {
  requireOneOf({ field: 'image', isGiven: image !== undefined }, body, {
    none: 'The request has no probe. Send an image, a face_id or a person_id.',
    several: (given) => `Send only one probe, not ${given}.`,
  });
  if (image !== undefined) return probesOfImage(image, body, caller, ports);
  const probe =
    body.face_id !== undefined
      ? await probeOfFace(body.face_id, pack, caller, ports)
      : await probeOfPerson(body.person_id!, pack, caller, ports);
  return { probes: [probe], facesLeftOut: 0 };
}

async function probesOfImage(
  image: Uint8Array,
  { strategy }: Body,
  { signal }: Caller,
  { extractor }: ProbePorts,
): Promise<Probes> {
  const { faces, facesLeftOut } = await extractor.extract(image, { pack: strategy, signal });
  if (faces.length === 0) throw new AppError('NO_FACE', { details: [{ field: 'image', issue: 'shows no face' }] });
  return {
    probes: faces.map(({ box, embedding }) => ({ box, embeddings: [embedding!], notFaceIds: [] })),
    facesLeftOut,
  };
}

async function probeOfFace(faceId: string, pack: PackDescription, caller: Caller, ports: ProbePorts): Promise<Probe> {
  const { face, entry } = await templateOfFace(faceId, pack, caller, ports);
  return { box: face.box, embeddings: [entry.embedding], notFaceIds: [faceId] };
}

async function probeOfPerson(
  personId: string,
  pack: PackDescription,
  caller: Caller,
  ports: ProbePorts,
): Promise<Probe> {
  const { faces, entries } = await templatesOfPerson(personId, pack, personProbes, caller, ports);
  const notFaceIds = faces.map(({ faceId }) => faceId);
  return { box: null, embeddings: entries.map(({ embedding }) => embedding), notFaceIds };
}

async function filterOf(body: Body, { tenant, signal }: Caller, records: PersonRecords): Promise<VectorFilter> {
  const { captured_between: between, near, external_ids: externalIds, person_ids: personIds } = body;
  const byExternalId =
    externalIds && (await records.getIdentities(tenant, { externalIds }, { signal })).map(({ personId }) => personId);
  return {
    personIds:
      personIds && byExternalId ? personIds.filter((id) => byExternalId.includes(id)) : (personIds ?? byExternalId),
    capturedBetween: between && { from: Date.parse(between.from), to: Date.parse(between.to) },
    near: near && { lat: near.lat, lon: near.lon, radiusMetres: near.radius_m },
  };
}

/** Returns each face once, with its highest cosine; at most `limit` faces, the highest cosine first. */
function nearest(hits: readonly VectorHit[], limit: number): VectorHit[] {
  const best = new Map<string, VectorHit>();
  for (const hit of hits) if ((best.get(hit.faceId)?.cosine ?? -2) < hit.cosine) best.set(hit.faceId, hit);
  return [...best.values()].sort((a, b) => b.cosine - a.cosine || (a.faceId < b.faceId ? -1 : 1)).slice(0, limit);
}

/** Leaves out a face if its person was erased after the search, or has no valid consent and the tenant requires one. */
function presentHit(hit: VectorHit, persons: Awaited<ReturnType<typeof personsOf>>, pack: PackDescription) {
  const person = hit.personId === null ? null : persons.get(hit.personId);
  if (person === undefined) return [];
  return {
    face_id: hit.faceId,
    person_id: hit.personId,
    external_id: person?.externalId ?? null,
    name: person?.name ?? null,
    similarity: wire.presentSimilarity(similarityOf(hit.cosine, pack.calibration)),
    image_id: hit.imageId,
  };
}
