import { describe, expect, it } from 'vitest';
import type { Network } from '../network.ts';
import { openArcface } from './arcface.ts';

const side = 32;

/** A network that returns two numbers for each chip: the red value of its first pixel, and 1. */
function redOfFirstPixel() {
  const counts: number[] = [];
  const network: Network = {
    ready: async () => undefined,
    input: (length) => new Float32Array(length).fill(7),
    async run(data, dims) {
      const count = dims[0]!;
      counts.push(count);
      const rows = Array.from({ length: count }, (_, i) => [data[i * 3 * side * side]!, 1]);
      return { embedding: { data: Float32Array.from(rows.flat()), dims: [count, 2] } };
    },
  };
  return { network, counts };
}

/** Chips whose red rises by one from column to column. */
function slopes(count: number) {
  const pixels = Uint8Array.from({ length: 3 * side * side * count }, (_, i) => (i % 3 ? 0 : (i / 3) % side));
  return { pixels, side, count };
}

describe('openArcface', () => {
  it('When a pack has templateViews, then each purpose runs its own views and adds up their embeddings', async () => {
    const { network, counts } = redOfFirstPixel();
    const options = { side, mean: [0, 0, 0], std: [1, 1, 1], templateViews: [{ zoom: 1 }, { mirrored: true }] };
    const embedder = openArcface({ network, options, dimension: 2 });

    const [probe] = await embedder.embed(slopes(1), 'probe');
    const runsOfProbe = counts.length;
    const [template] = await embedder.embed(slopes(2), 'template');

    expect(embedder.views.probe).toHaveLength(1);
    expect([runsOfProbe, counts.length - runsOfProbe]).toEqual([1, 2]);
    expect(Array.from(probe!)).toEqual([0, 1]);
    // In the mirror image, the first pixel is the last pixel of its row.
    expect(template![0]! / template![1]!).toBeCloseTo((side - 1) / 2, 4);
  });

  it('When a pack has no templateViews, then both purposes use the same views', () => {
    const { network } = redOfFirstPixel();

    const { views } = openArcface({ network, options: { views: [{ zoom: 1 }, { mirrored: true }] }, dimension: 2 });

    expect(views.template).toEqual(views.probe);
  });
});
