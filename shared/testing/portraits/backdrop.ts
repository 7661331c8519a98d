import { black, type Colour, darken, lighten, mix } from './colour.ts';
import { seededRandom } from './random.ts';
import { n, newSheet, type Sheet } from './sheet.ts';
import type { Light } from './view.ts';

export const backdrops = ['studio', 'wall', 'garden', 'street', 'shelves', 'lights', 'sky'] as const;
export type Backdrop = (typeof backdrops)[number];

/** SVG marks that fill `width` × `height` pixels; the same seed gives the same backdrop. */
export function backdropMarks(
  kind: Backdrop,
  seed: string | number,
  light: Light,
  width: number,
  height: number,
  prefix: string,
): string {
  const sheet = newSheet(light, prefix);
  const random = seededRandom(`backdrop:${kind}:${seed}`);
  const colour: Colour = [random.between(60, 215), random.between(60, 215), random.between(60, 215)];
  painters[kind]({ sheet, random, colour, width, height });
  return sheet.toString();
}

interface Room {
  readonly sheet: Sheet;
  readonly random: ReturnType<typeof seededRandom>;
  readonly colour: Colour;
  readonly width: number;
  readonly height: number;
}

const painters: Record<Backdrop, (room: Room) => void> = {
  studio({ sheet, colour, width, height }) {
    fill(
      sheet,
      sheet.glow([width / 2, height * 0.4], width * 0.8, 1, [
        [0, lighten(colour, 0.25)],
        [1, darken(colour, 0.45)],
      ]),
      width,
      height,
    );
  },
  wall({ sheet, colour, width, height }) {
    const soft = mix(colour, [200, 195, 185], 0.6);
    fill(
      sheet,
      sheet.fade(
        [0, 0],
        [width, height],
        [
          [0, lighten(soft, 0.1)],
          [1, darken(soft, 0.2)],
        ],
      ),
      width,
      height,
    );
    sheet.add(
      `<rect y="${n(height * 0.82)}" width="${width}" height="${n(height * 0.03)}" fill="${sheet.tone(darken(soft, 0.35))}"/>`,
    );
  },
  garden({ sheet, random, width, height }) {
    fill(
      sheet,
      sheet.fade(
        [0, 0],
        [0, height],
        [
          [0, [178, 208, 226]],
          [0.45, [122, 158, 98]],
          [1, [66, 100, 48]],
        ],
      ),
      width,
      height,
    );
    for (let i = 0; i < 26; i++) {
      const leaf: Colour = [random.between(50, 140), random.between(110, 180), random.between(40, 90)];
      const radius = width * random.between(0.05, 0.14);
      sheet.spot([random.between(0, width), random.between(height * 0.15, height)], radius, radius, leaf, 0.7);
    }
  },
  street({ sheet, random, width, height }) {
    fill(
      sheet,
      sheet.fade(
        [0, 0],
        [0, height],
        [
          [0, [190, 204, 216]],
          [0.7, [150, 146, 140]],
          [1, [90, 88, 86]],
        ],
      ),
      width,
      height,
    );
    for (let i = 0; i < 6; i++) {
      const tall = height * random.between(0.35, 0.85);
      const wall: Colour = [random.between(110, 190), random.between(95, 170), random.between(85, 160)];
      sheet.add(
        `<rect x="${n((i * width) / 6)}" y="${n(height * 0.9 - tall)}" width="${n(width / 6 + 1)}" height="${n(tall)}" fill="${sheet.tone(wall)}"/>`,
      );
      for (let j = 0; j < 6; j++) {
        sheet.add(
          `<rect x="${n(((i + 0.25) * width) / 6)}" y="${n(height * 0.9 - tall + (j + 0.4) * height * 0.13)}" width="${n(width / 14)}" height="${n(height * 0.06)}" fill="${sheet.tone(darken(wall, 0.5))}" fill-opacity=".6"/>`,
        );
      }
    }
  },
  shelves({ sheet, random, width, height }) {
    fill(sheet, sheet.tone([74, 54, 40]), width, height);
    for (let row = 0; row < 4; row++) {
      for (let x = 0; x < width; ) {
        const wide = width * random.between(0.02, 0.06);
        const tall = height * random.between(0.15, 0.22);
        const spine: Colour = [random.between(50, 200), random.between(40, 170), random.between(40, 160)];
        sheet.add(
          `<rect x="${n(x)}" y="${n(((row + 1) * height) / 4 - tall - 4)}" width="${n(wide - 1)}" height="${n(tall)}" fill="${sheet.tone(spine)}"/>`,
        );
        x += wide;
      }
    }
  },
  lights({ sheet, random, width, height }) {
    fill(
      sheet,
      sheet.fade(
        [0, 0],
        [0, height],
        [
          [0, [24, 26, 44]],
          [1, [60, 44, 50]],
        ],
      ),
      width,
      height,
    );
    for (let i = 0; i < 22; i++) {
      const lamp: Colour = [random.between(190, 255), random.between(130, 230), random.between(80, 180)];
      sheet.add(
        `<circle cx="${n(random.between(0, width))}" cy="${n(random.between(0, height))}" r="${n(width * random.between(0.015, 0.05))}" fill="${sheet.tone(lamp)}" fill-opacity="${n(random.between(0.25, 0.7))}"/>`,
      );
    }
  },
  sky({ sheet, random, width, height }) {
    fill(
      sheet,
      sheet.fade(
        [0, 0],
        [0, height],
        [
          [0, [92, 146, 206]],
          [1, [214, 228, 238]],
        ],
      ),
      width,
      height,
    );
    for (let i = 0; i < 7; i++) {
      sheet.spot(
        [random.between(0, width), random.between(0, height * 0.7)],
        width * random.between(0.12, 0.3),
        height * random.between(0.04, 0.1),
        [255, 255, 255],
        0.85,
      );
    }
    sheet.spot([width / 2, height * 1.1], width, height * 0.25, mix([90, 120, 80], black, 0.1), 0.9);
  },
};

function fill(sheet: Sheet, paint: string, width: number, height: number): void {
  sheet.add(`<rect width="${width}" height="${height}" fill="${paint}"/>`);
}
