import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { npmFile } from '../weights/npm-sources.ts';
import { readTfjsWeights } from '../weights/tfjs-weights.ts';
import { decodeSsdBox, ssdAnchors } from './ssd-anchors.ts';

describe('ssdAnchors', () => {
  it('When the input has the size of training, then the anchors are those stored with the weights', async () => {
    const path = await npmFile('@vladmandic/face-api', 'model/ssd_mobilenetv1_model-weights_manifest.json');
    const weights = await readTfjsWeights(path, JSON.parse(await readFile(path, 'utf8')));
    const stored = weights.get('Output/extra_dim').data.map((value) => value * 512);

    const { count, values } = ssdAnchors(512, 512);

    expect(count).toBe(5118);
    const worst = Math.max(
      ...Array.from({ length: count }, (_, i) => {
        const [x, y, width, height] = values.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
        const corners = [y - height / 2, x - width / 2, y + height / 2, x + width / 2];
        return Math.max(...corners.map((corner, side) => Math.abs(corner - stored[4 * i + side]!)));
      }),
    );
    expect(worst).toBeLessThan(0.05);
  });

  it('When the input is wide, then rows and columns are counted separately', () => {
    const cells = 16 * 8 * 3 + (8 * 4 + 4 * 2 + 2 * 1 + 1 + 1) * 6;

    expect(ssdAnchors(256, 128).count).toBe(cells);
  });

  it('When all offsets are 0, then the box is the anchor', () => {
    const anchors = ssdAnchors(512, 512);

    const box = decodeSsdBox(anchors, new Float32Array(anchors.count * 4), 0);

    expect(box.left).toBeCloseTo(8 - 25.6, 3);
    expect(box).toMatchObject({ width: expect.closeTo(51.2, 3), height: expect.closeTo(51.2, 3) });
  });
});
