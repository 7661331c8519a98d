import { createHash } from 'node:crypto';
import * as z from 'zod';
import { limitReached } from '../../shared/api/crowds.ts';
import * as examples from '../../shared/api/gallery.examples.ts';
import * as wire from '../../shared/api/gallery.ts';
import * as size from '../../shared/api/gallery-size.ts';
import { consentHolds } from '../../shared/domain/consent.ts';
import type { Decision, Fpir } from '../../shared/domain/decision.ts';
import { expectedMissRate } from '../../shared/domain/gallery-size.ts';
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
      'match: it is this person, at the requested false-positive rate. review: it may be this person, so a human should check. unknown: the face matches no enrolled person.',
    ),
  similarity: wire.similarity.describe(
    'Similarity to the nearest enrolled person, for every decision. 0 if the gallery is empty.',
  ),
  person: wire.personReference.nullable().describe('null if the decision is unknown.'),
});
type RecognizedFace = z.output<typeof recognizedFace>;

/** The part of a response that is cached. */
interface Recognized {
  readonly faces: RecognizedFace[];
  readonly expectedMissRate: number | null;
  readonly limitReached: boolean;
}

export default defineFunction(
  {
    name: 'recognize-faces',
    summary: 'Recognise the people in a photo',
    description:
      'The platform identifies every face in the photo. The identification is open-set: a stranger is `unknown`. The threshold depends on the false-positive identification rate `fpir` and on the size of the gallery: it becomes stricter with more enrolled people. If the tenant requires consent, a person without a valid consent is `unknown`.',
    tag: 'faces',
    trigger: { kind: 'http', method: 'POST', path: '/api/v1/faces/recognize', scope: 'faces:read' },
    body: z.object({
      strategy: wire.strategy,
      fpir: z
        .union([z.literal(0.01), z.literal(0.001)], { error: 'must be 0.01 or 0.001' })
        .default(0.01)
        .describe('The largest share of strangers that may be matched to a person by mistake: 0.01 or 0.001.'),
    }),
    image: 'required',
    output: z.object({
      faces: z.array(recognizedFace),
      best: recognizedFace
        .nullable()
        .describe('The face with the strongest decision; with equal decisions, the most similar one.'),
      expected_miss_rate: size.expectedMissRate.describe(
        'Expected share of enrolled persons who are not a `match`, at this `fpir` and with the present number of templates. Measured with one template for each person. null if it was not measured with the model pack.',
      ),
      limit_reached: limitReached,
      cached: z
        .boolean()
        .describe(
          'true if the result is from the cache: the same photo was sent before, and the gallery has not changed since then.',
        ),
    }),
    errors: ['NO_FACE', 'STRATEGY_UNAVAILABLE'],
    examples: {
      request: { fpir: 0.01 },
      response: {
        faces: [examples.recognizedFace],
        best: examples.recognizedFace,
        expected_miss_rate: 0.042,
        limit_reached: false,
        cached: false,
      },
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
    const asked = ['recognize.2', digest, pack.space, body.fpir, consentAt !== null];
    const answers = answersTo(asked, gallery, call, ports);
    const known = await answers.kept();
    metrics.answers.inc({ cached: String(known !== null) });
    if (known !== null) return { data: answer(JSON.parse(known) as Recognized, true) };

    const extraction = await extractor.extract(image, { pack: body.strategy, signal });
    if (extraction.faces.length === 0)
      throw new AppError('NO_FACE', { details: [{ field: 'image', issue: 'shows no face' }] });
    const fpir: Fpir = body.fpir;
    const found = await Promise.all(
      extraction.faces.map((face) => identify(tenant, face.embedding!, { pack, fpir, consentAt, signal }, ports)),
    );
    for (const { decision } of found) metrics.decisions.inc({ decision });
    const recognized: Recognized = {
      faces: extraction.faces.map((face, i) => present(face, found[i]!)),
      expectedMissRate: expectedMissRate(pack.calibration, fpir, Math.max(...found.map(({ templates }) => templates))),
      limitReached: extraction.facesLeftOut > 0,
    };
    const consents = found.map(({ person }) => person?.consent ?? null);
    const ttlMs = consentAt === null ? answerTtlMs : consentHolds(consents, clock.now(), answerTtlMs);
    await answers.keep(JSON.stringify(recognized), ttlMs);
    return { data: answer(recognized, false) };
  },
);

const present = ({ box }: ExtractedFace, { decision, similarity, person }: Identification): RecognizedFace => ({
  box: wire.presentBox(box),
  decision,
  similarity: wire.presentSimilarity(similarity),
  person: person && wire.presentPersonReference(person),
});

const strength: Record<Decision, number> = { match: 2, review: 1, unknown: 0 };

const answer = ({ faces, expectedMissRate, limitReached: reached }: Recognized, cached: boolean) => ({
  faces,
  best: faces.toSorted((a, b) => strength[b.decision] - strength[a.decision] || b.similarity - a.similarity)[0] ?? null,
  expected_miss_rate: size.presentMissRate(expectedMissRate),
  limit_reached: reached,
  cached,
});
