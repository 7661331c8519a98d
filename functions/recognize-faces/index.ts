import { createHash } from 'node:crypto';
import * as z from 'zod';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import { consentHolds } from '../../shared/domain/consent.ts';
import type { Decision, Fpir } from '../../shared/domain/decision.ts';
import { AppError } from '../../shared/errors.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { answersTo, answerTtlMs } from '../../shared/gallery/answers.ts';
import { type Identification, identify } from '../../shared/gallery/identify.ts';
import { tenantRules } from '../../shared/gallery/tenant-rules.ts';
import type { ExtractedFace } from '../../shared/ports/extractor.ts';

const recognizedFace = z.object({
  box: wire.box,
  decision: z
    .enum(['match', 'review', 'unknown'])
    .describe(
      'match: this person, at the asked-for false-positive rate; review: perhaps, have somebody look; unknown: nobody enrolled.',
    ),
  similarity: wire.similarity.describe('To the nearest person enrolled, whatever the decision; 0 in an empty gallery.'),
  person: wire.personReference.nullable().describe('null when unknown.'),
});
type RecognizedFace = z.output<typeof recognizedFace>;

export default defineFunction(
  {
    name: 'recognize-faces',
    summary: 'Say who is in a photo',
    description:
      'Open-set identification of every face: a stranger is `unknown`. The threshold follows from the promised false-positive identification rate `fpir` and the size of the gallery; more people enrolled make it stricter. Where the tenant requires consent, whose consent is not in force is unknown.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/recognize', scope: 'faces:read' },
    body: z.object({
      strategy: wire.strategy,
      fpir: z
        .union([z.literal(0.01), z.literal(0.001)], { error: 'must be 0.01 or 0.001' })
        .default(0.01)
        .describe('At most this share of strangers is given a name: 0.01 or 0.001.'),
    }),
    image: 'required',
    output: z.object({
      faces: z.array(recognizedFace),
      best: recognizedFace.nullable().describe('The strongest of the decisions.'),
      cached: z.boolean().describe('true when the same photo was asked about and the gallery has not changed since.'),
    }),
    errors: ['NO_FACE', 'STRATEGY_UNAVAILABLE'],
    examples: {
      request: { fpir: 0.01 },
      response: { faces: [examples.recognizedFace], best: examples.recognizedFace, cached: false },
    },
    uses: ['records', 'vectors', 'cache', 'extractor', 'accounts'],
    ...sizes.vision,
  },
  async ({ body, image, ...call }, ports) => {
    const { tenant, clock, signal, metrics } = call;
    const { extractor, records } = ports;
    const [{ consentAt }, pack, gallery] = await Promise.all([
      tenantRules(call, ports),
      extractor.describe(body.strategy, { signal }),
      records.galleryEpoch(tenant, { signal }),
    ]);
    const digest = createHash('sha256').update(image).digest('hex');
    const asked = ['recognize', digest, pack.space, body.fpir, consentAt !== null];
    const answers = answersTo(asked, gallery, call, ports);
    const known = await answers.kept();
    metrics.answers.inc({ cached: String(known !== null) });
    if (known !== null) return { data: answer(JSON.parse(known) as RecognizedFace[], true) };

    const extraction = await extractor.extract(image, { pack: body.strategy, signal });
    if (extraction.faces.length === 0)
      throw new AppError('NO_FACE', { details: [{ field: 'image', issue: 'shows no face' }] });
    const fpir: Fpir = body.fpir;
    const found = await Promise.all(
      extraction.faces.map((face) => identify(tenant, face.embedding!, { pack, fpir, consentAt, signal }, ports)),
    );
    for (const { decision } of found) metrics.decisions.inc({ decision });
    const faces = extraction.faces.map((face, i) => present(face, found[i]!));
    const consents = found.map(({ person }) => person?.consent ?? null);
    const ttlMs = consentAt === null ? answerTtlMs : consentHolds(consents, clock.now(), answerTtlMs);
    await answers.keep(JSON.stringify(faces), ttlMs);
    return { data: answer(faces, false) };
  },
);

const present = ({ box }: ExtractedFace, { decision, similarity, person }: Identification): RecognizedFace => ({
  box: wire.presentBox(box),
  decision,
  similarity: wire.presentSimilarity(similarity),
  person: person && wire.presentPersonReference(person),
});

const strength: Record<Decision, number> = { match: 2, review: 1, unknown: 0 };

const answer = (faces: RecognizedFace[], cached: boolean) => ({
  faces,
  best: faces.toSorted((a, b) => strength[b.decision] - strength[a.decision] || b.similarity - a.similarity)[0] ?? null,
  cached,
});
