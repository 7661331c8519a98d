import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { drawGroup, drawPortrait, drawScene } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

const path = '/api/v1/faces/detect';

describe('faces/detect', () => {
  const platform = sharedPlatform(functions);

  it('When a group photo is sent, then all faces come back, the biggest first, and nothing is stored', async () => {
    const { call, ports } = platform();
    const image = await drawGroup([
      { person: 'amaro', head: 130 },
      { person: 'dana', head: 200 },
      { person: 'emeka', head: 165 },
    ]);

    const { status, json } = await call('POST', path, { body: image, headers: { 'content-type': 'image/jpeg' } });

    expect([status, json.data.image]).toEqual([200, { width: 900, height: 500 }]);
    const areas = json.data.faces.map(({ box }: { box: { width: number; height: number } }) => box.width * box.height);
    expect(json.data).toMatchObject({ limit_reached: false, left_out: 0 });
    expect(areas).toHaveLength(3);
    expect(areas).toEqual(areas.toSorted((a: number, b: number) => b - a));
    expect((await ports.records.listImages('default' as never, { limit: 10 })).items).toEqual([]);
  });

  it('When a face is found, then its landmarks lie in its box, and left means left in the image', async () => {
    const { call } = platform();

    const { json } = await call('POST', path, {
      body: await drawPortrait({ person: 'hana' }),
      headers: { 'content-type': 'image/jpeg' },
    });

    const [{ box, landmarks, confidence, pose }] = json.data.faces;
    for (const point of Object.values<{ x: number; y: number }>(landmarks)) {
      expect(point.x).toBeGreaterThan(box.left);
      expect(point.x).toBeLessThan(box.left + box.width);
      expect(point.y).toBeGreaterThan(box.top);
      expect(point.y).toBeLessThan(box.top + box.height);
    }
    expect(landmarks.left_eye.x).toBeLessThan(landmarks.right_eye.x);
    expect(landmarks.mouth_left.x).toBeLessThan(landmarks.mouth_right.x);
    expect(confidence).toBeGreaterThan(0.6);
    expect(Math.abs(pose.roll)).toBeLessThan(8);
  });

  it('When a photo has an EXIF orientation, then the box is in pixels of the upright image', async () => {
    const { call } = platform();
    const upright = await drawPortrait({ person: 'finn', size: { width: 360, height: 480 }, format: 'png' });
    const turned = await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer();

    const straight = await call('POST', path, { body: upright, headers: { 'content-type': 'image/png' } });
    const rotated = await call('POST', path, { body: turned, headers: { 'content-type': 'image/jpeg' } });

    expect(rotated.json.data.image).toEqual({ width: 360, height: 480 });
    expect(Math.abs(rotated.json.data.faces[0].box.left - straight.json.data.faces[0].box.left)).toBeLessThan(12);
    expect(Math.abs(rotated.json.data.faces[0].box.top - straight.json.data.faces[0].box.top)).toBeLessThan(12);
  });

  it('When the photo shows no face, then the list is empty', async () => {
    const { call } = platform();

    const { status, json } = await call('POST', path, {
      body: await drawScene(),
      headers: { 'content-type': 'image/jpeg' },
    });

    expect([status, json.data.faces]).toEqual([200, []]);
  });

  it.each(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const)(
    'When the photo is %s, then its face is found',
    async (format) => {
      const { call } = platform();

      const { json } = await call('POST', path, {
        body: await drawPortrait({ person: 'greta', format }),
        headers: { 'content-type': `image/${format}` },
      });

      expect(json.data.faces).toHaveLength(1);
    },
  );
});
