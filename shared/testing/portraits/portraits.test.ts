import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { backdrops } from './backdrop.ts';
import { castNames } from './cast.ts';
import { drawGroup, drawPortrait, drawScene, personOf } from './index.ts';
import { hairStyles } from './person.ts';
import { expressions, type LightName, lights } from './view.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const svgOf = async (drawing: Promise<Uint8Array>): Promise<string> => Buffer.from(await drawing).toString();

describe('drawPortrait', () => {
  it('When it is called twice with the same arguments, then the bytes are the same', async () => {
    const options = { person: 'greta', light: 'left', tilt: 7, background: 'garden', scene: 3 } as const;

    expect(digest(await drawPortrait(options))).toBe(digest(await drawPortrait(options)));
  });

  it('When an argument differs, then the picture differs', async () => {
    const base = { person: 'greta', background: 'garden', size: 200, format: 'raw' } as const;
    const others = [
      { person: 'kira' },
      { person: 17 },
      { light: 'right' },
      { tilt: 5 },
      { yaw: 10 },
      { expression: 'smile' },
      { background: 'street' },
      { scene: 2 },
      { fill: 0.7 },
      { at: { x: 0.4, y: 0.5 } },
    ] as const;

    const drawn = await Promise.all([base, ...others.map((other) => ({ ...base, ...other }))].map(drawPortrait));

    expect(new Set(drawn.map(digest)).size).toBe(others.length + 1);
  });

  it('When a size and a format are given, then the picture has them', async () => {
    const size = { width: 320, height: 240 };

    for (const format of ['jpeg', 'png', 'webp', 'tiff', 'gif'] as const) {
      expect(await sharp(await drawPortrait({ person: 'finn', size, format })).metadata()).toMatchObject({
        ...size,
        format,
      });
    }
    expect(await drawPortrait({ person: 'finn', size, format: 'raw' })).toHaveLength(320 * 240 * 3);
  });

  it('When `fill` grows, then the head is scaled by it around the point between the eyes', async () => {
    const svg = await svgOf(
      drawPortrait({ person: 'dana', size: 530, fill: 1, at: { x: 0.25, y: 0.5 }, format: 'svg' }),
    );

    expect(svg).toContain('<g transform="translate(132.5 265) scale(2)">');
  });

  it.each(Object.keys(lights) as LightName[])(
    'When the light is %s, then the brightness follows its level',
    async (light) => {
      const [lit, even] = await Promise.all(
        [light, 'even' as const].map((name) => drawPortrait({ person: 'hana', light: name, size: 120, format: 'png' })),
      );

      const [bright, plain] = await Promise.all(
        [lit!, even!].map(async (bytes) => (await sharp(bytes).greyscale().stats()).channels[0]!.mean),
      );
      const expected = lights[light].level;
      expect(bright! / plain!).toBeGreaterThan(expected - 0.2);
      expect(bright! / plain!).toBeLessThan(expected + 0.05);
    },
  );

  it('When every style, expression, light and backdrop is drawn, then every number in the drawing is valid', async () => {
    for (const [i, style] of hairStyles.entries()) {
      const { hair, ...rest } = personOf(i);
      const svg = await svgOf(
        drawPortrait({
          person: { ...rest, hair: { ...hair, style } },
          expression: expressions[i % expressions.length],
          background: backdrops[i % backdrops.length],
          light: (Object.keys(lights) as LightName[])[i % 7],
          yaw: i * 3 - 15,
          format: 'svg',
        }),
      );
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});

describe('drawGroup', () => {
  it('When a group is drawn, then each person is drawn once, in order, at the given size', async () => {
    const members = [{ person: 'boris', head: 106 }, { person: 'kira', head: 53 }, { person: 3 }] as const;

    const svg = await svgOf(drawGroup(members, { size: { width: 900, height: 300 }, format: 'svg' }));

    const places = [...svg.matchAll(/<g transform="translate\((\S+) (\S+)\) scale\((\S+)\)">/g)].map(([, ...at]) =>
      at.map(Number),
    );
    expect(places.map(([x]) => x)).toEqual([150, 450, 750]);
    expect(places.slice(0, 2).map(([, , scale]) => scale)).toEqual([0.4, 0.2]);
  });

  it('When no size is given, then the picture is 900 by 500', async () => {
    expect(await sharp(await drawGroup([{ person: 1 }])).metadata()).toMatchObject({ width: 900, height: 500 });
  });

  it('When there are rows, then they are filled from the top', async () => {
    const svg = await svgOf(
      drawGroup(
        [1, 2, 3, 4].map((person) => ({ person })),
        { rows: 2, size: { width: 400, height: 400 }, format: 'svg' },
      ),
    );

    expect(
      [...svg.matchAll(/<g transform="translate\((\S+) (\S+)\) scale/g)].map(([, x, y]) => [Number(x), Number(y)]),
    ).toEqual([
      [100, 92],
      [300, 92],
      [100, 292],
      [300, 292],
    ]);
  });
});

describe('drawScene', () => {
  it('When backdrops and scenes differ, then the pictures differ, and none contains a figure', async () => {
    const drawn = await Promise.all(
      backdrops.flatMap((background) => [1, 2].map((scene) => svgOf(drawScene({ background, scene, format: 'svg' })))),
    );

    expect(drawn.filter((svg) => svg.includes('rotate('))).toEqual([]);
    expect(new Set(drawn).size).toBe(backdrops.length * 2);
  });
});

describe('the cast', () => {
  it('When it is counted, then there are twelve people with different measures', () => {
    expect(castNames).toHaveLength(12);
    expect(new Set(castNames.map((name) => JSON.stringify(personOf(name)))).size).toBe(12);
  });

  it('When a seed is used twice, then it gives the same person, and another seed gives another person', () => {
    expect(personOf(5)).toEqual(personOf(5));
    expect(personOf(5)).not.toEqual(personOf(6));
  });
});
