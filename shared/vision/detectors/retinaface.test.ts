import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawGroup, drawPortrait, drawScene } from '../../testing/portraits/index.ts';
import { describeShared } from '../../testing/shared-files.ts';
import { decodeImage } from '../decode.ts';
import type { Detection, Detector } from '../kinds.ts';
import { openNetwork } from '../network.ts';
import { pyramidOf } from '../pyramid.ts';
import { openWorkerPool, type WorkerPool } from '../worker-pool.ts';
import { openRetinaface } from './retinaface.ts';
import { openYunet } from './yunet.ts';

const kinds = [
  ['RetinaFace', 'retinaface_mnet025', openRetinaface],
  ['YuNet', 'yunet_n_dynamic', openYunet],
] as const;

for (const [name, model, open] of kinds) {
  describeShared(`${name} on the real network`, 'models', (models) => {
    let pool: WorkerPool;
    let detector: Detector;
    /** Longer side of the input of each network run. */
    let inputs: number[] = [];
    beforeAll(() => {
      pool = openWorkerPool({ size: 2 });
      const contract = JSON.parse(readFileSync(join(models, `${model}.json`), 'utf8'));
      const network = openNetwork(pool, join(models, contract.file), contract);
      const counting = {
        ...network,
        run: (...[data, dims, options]: Parameters<typeof network.run>) => {
          inputs.push(Math.max(...dims.slice(2)));
          return network.run(data, dims, options);
        },
      };
      detector = open({ network: counting, options: {} });
    });
    afterAll(() => pool.close());
    const detect = async (bytes: Uint8Array): Promise<Detection[]> => {
      inputs = [];
      return detector.detect(pyramidOf((await decodeImage(bytes)).raster));
    };

    it('When the picture is a portrait of 250 px, then a small first look finds its face, with landmarks in order', async () => {
      const faces = await detect(await drawPortrait({ person: 'greta', size: 250 }));

      const { landmarks, score } = faces[0]!;
      expect(faces).toHaveLength(1);
      expect(score).toBeGreaterThan(0.8);
      expect(landmarks!.left_eye.x).toBeLessThan(landmarks!.nose.x);
      expect(landmarks!.right_eye.x).toBeGreaterThan(landmarks!.nose.x);
      expect(landmarks!.nose.y).toBeGreaterThan(landmarks!.left_eye.y);
      expect(landmarks!.mouth_right.y).toBeGreaterThan(landmarks!.nose.y);
      expect(inputs[0]).toBe(256);
    });

    it('When the position of the eyes is known, then the landmarks are within a few pixels of it', async () => {
      const [face] = await detect(await drawPortrait({ person: 'greta', size: 500, at: { x: 0.4, y: 0.45 } }));

      const { left_eye, right_eye } = face!.landmarks!;
      expect(Math.abs((left_eye.x + right_eye.x) / 2 - 200)).toBeLessThan(12);
      expect(Math.abs((left_eye.y + right_eye.y) / 2 - 225)).toBeLessThan(15);
    });

    it('When a face is larger than the frame and no look is confident, then a look at half the scale follows', async () => {
      const faces = await detect(await drawPortrait({ person: 'finn', size: 640, fill: 2, at: { x: 0.5, y: 0.45 } }));

      expect(faces.length).toBeLessThanOrEqual(1);
      expect(inputs).toContain(640);
      expect(inputs.filter((side) => side === 640)).toHaveLength(1);
      if (name === 'RetinaFace') expect(inputs).toContain(320);
    });

    it('When a large photo shows a crowd of small faces, then a closer look finds them all', async () => {
      const crowd = Array.from({ length: 18 }, (_, i) => ({ person: i + 1, head: 30 }));

      const faces = await detect(await drawGroup(crowd, { size: { width: 1600, height: 900 }, rows: 3 }));

      expect(inputs).toContain(1280);
      expect(faces).toHaveLength(18);
    });

    it('When faces are large enough in the first look, then there is no closer look', async () => {
      await detect(await drawGroup([{ person: 'greta' }, { person: 'finn' }], { size: { width: 1600, height: 900 } }));

      expect(inputs).not.toContain(1280);
    });

    it('When the picture shows no person, then no face is found', async () => {
      const noise = Buffer.from(Array.from({ length: 3 * 300 * 300 }, (_, i) => (i * 7919 + ((i * i) % 251)) % 256));
      const texture = await sharp(noise, { raw: { width: 300, height: 300, channels: 3 } })
        .blur(2)
        .png()
        .toBuffer();

      expect(await detect(texture)).toEqual([]);
      expect(await detect(await drawScene({ size: 400 }))).toEqual([]);
    });
  });
}

describeShared('RetinaFace on real photos', 'photos/hard', (folder) => {
  it('When photos show flowers, rocks or birds, then no face is found', async () => {
    const models = join(folder, '../../models');
    const contract = JSON.parse(readFileSync(join(models, 'retinaface_mnet025.json'), 'utf8'));
    const pool = openWorkerPool({ size: 2 });
    const detector = openRetinaface({ network: openNetwork(pool, join(models, contract.file), contract), options: {} });
    const pictures = [
      'immich_el_torcal_rocks.jpg',
      'immich_prairie_falcon.jpg',
      'sharp_flowers.jpeg',
      'faceapijs_white.png',
    ];

    const found = await Promise.all(
      pictures.map(async (file) => {
        const { raster } = await decodeImage(readFileSync(join(folder, 'nonface', file)));
        return (await detector.detect(pyramidOf(raster))).length;
      }),
    );
    await pool.close();

    expect(found).toEqual([0, 0, 0, 0]);
  });
});
