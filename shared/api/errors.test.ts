import { expect, it } from 'vitest';
import type { DetectedFace } from '../domain/face.ts';
import { AmbiguousFaces, RejectedFaces } from '../domain/face-refusals.ts';
import { presentErrorDetails } from './errors.ts';

const found = {
  box: { left: 1.4, top: 2.5, width: 30.26, height: 40 },
  confidence: 0.98765,
  quality: { score: 0.12345, reasons: ['SMALL_FACE'] },
  embedding: new Float32Array(2),
} as unknown as DetectedFace;
const box = { left: 1, top: 3, width: 30, height: 40 };

const cases = [
  ['ambiguous faces', new AmbiguousFaces([found]), { faces: [{ box, confidence: 0.988 }] }],
  [
    'ambiguous faces of one of two photos',
    new AmbiguousFaces([found], 'other_image'),
    { field: 'other_image', faces: [{ box, confidence: 0.988 }] },
  ],
  [
    'rejected faces',
    new RejectedFaces([{ face: found, reasons: ['SMALL_FACE'] }]),
    { rejected: [{ box, reasons: ['SMALL_FACE'], quality_score: 0.123 }] },
  ],
  ['fields', [{ field: 'name', issue: 'is given twice' }], [{ field: 'name', issue: 'is given twice' }]],
  ['nothing', undefined, undefined],
] as const;

it.each(cases)('When an error is about %s, then its details have the form of the API', (_, details, presented) => {
  expect(presentErrorDetails(details)).toEqual(presented);
});

it.each(cases)('When details about %s are presented twice, then the second time changes nothing', (_, details) => {
  const once = presentErrorDetails(details);

  expect(presentErrorDetails(once)).toEqual(once);
});

it('When an error is about faces, then it carries no template', () => {
  const errors = [new AmbiguousFaces([found]), new RejectedFaces([{ face: found, reasons: [] }])];

  expect(JSON.stringify(errors)).not.toContain('embedding');
});
