import { describe, expect, it } from 'vitest';
import { missedBySize } from './open-set.ts';

const photo = (person: string, probe: readonly number[] | null, template: readonly number[] | null) => ({
  person,
  file: `${person}/1.jpg`,
  probe: probe && Float32Array.from(probe),
  template: template && Float32Array.from(template),
  faces: 1,
  quality: 1,
});
/** Threshold 0.5 with one template; each tenfold number of templates adds 0.1. */
const calibration = {
  source: 'made up',
  similarityKnots: [],
  identification: [{ fpir: 0.01, intercept: 0.5, slope: 0.1 / Math.LN10, ceiling: 0.95 }],
};

describe('missedBySize', () => {
  it('When the gallery grows, then people with less similar photos are missed; people with one photo are not counted', () => {
    const photos = [
      photo('alike', [1, 0], [1, 0]),
      photo('alike', [1, 0], null),
      photo('less alike', null, [1, 0]),
      photo('less alike', [0.75, Math.sqrt(1 - 0.75 ** 2)], [0, 1]),
      photo('unseen', [1, 0], null),
      photo('unseen', [1, 0], [1, 0]),
      photo('alone', [1, 0], [1, 0]),
    ];

    const missed = missedBySize(photos, calibration).filter(({ fpir }) => fpir === 0.01);

    expect(missed).toEqual([
      { templates: 10, fpir: 0.01, missed: 1 / 3 },
      { templates: 156, fpir: 0.01, missed: 1 / 3 },
      { templates: 1000, fpir: 0.01, missed: 2 / 3 },
      { templates: 10_000, fpir: 0.01, missed: 2 / 3 },
      { templates: 100_000, fpir: 0.01, missed: 2 / 3 },
    ]);
  });
});
