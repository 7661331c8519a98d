import { black, type Colour, darken, fromHex, lighten, mix, white } from './colour.ts';
import type { Person } from './person.ts';
import { closedCurve, n, openCurve, type Place, place, type Sheet } from './sheet.ts';
import type { Project } from './view.ts';

const shadowRed: Colour = [70, 24, 12];
const blood: Colour = [200, 70, 60];

/** Skin colours, before the light is applied. */
export interface Skin {
  readonly base: Colour;
  readonly light: Colour;
  readonly shadow: Colour;
  readonly deep: Colour;
}

export function skinOf(person: Person): Skin {
  const base = fromHex(person.skin);
  return {
    base,
    light: lighten(base, 0.22),
    shadow: mix(base, shadowRed, 0.38),
    deep: mix(base, shadowRed, 0.72),
  };
}

/** Draws neck, shoulders and clothes. */
export function drawTorso(sheet: Sheet, person: Person, project: Project, garment: Colour): void {
  const skin = skinOf(person);
  const { chin, jaw } = person.face;
  const half = jaw * 0.7;
  const [middle] = project(0, chin, -20);
  const neck = closedCurve([
    [middle - half, chin * 0.5],
    [middle + half, chin * 0.5],
    [half * 1.02, chin + 30],
    [half + 24, chin + 58],
    [0, chin + 90],
    [-half - 24, chin + 58],
    [-half * 1.02, chin + 30],
  ]);
  const edge = (side: number): Colour => mix(skin.shadow, skin.base, side * sheet.light.from > 0 ? 0.5 : 0);
  const paint = sheet.fade(
    [-half, 0],
    [half, 0],
    [
      [0, edge(-1)],
      [0.5, mix(skin.base, skin.shadow, 0.35)],
      [1, edge(1)],
    ],
  );
  sheet.add(`<path d="${neck}" fill="${paint}"/>`);
  const cast = sheet.fade(
    [0, chin * 0.8],
    [0, chin + 56],
    [
      [0, skin.deep, 0.95],
      [0.45, skin.deep, 0.7],
      [1, skin.deep, 0],
    ],
  );
  sheet.add(`<path d="${neck}" fill="${cast}"/>`);

  const collar = chin + 46;
  const shoulders = `M${place([-half - 14, collar])}C${place([-half - 44, collar + 22])} ${place([-160, collar + 22])} ${place([-182, collar + 90])}L${place([-200, chin + 440])}L${place([200, chin + 440])}L${place([182, collar + 90])}C${place([160, collar + 22])} ${place([half + 44, collar + 22])} ${place([half + 14, collar])}Q${place([0, collar + 62])} ${place([-half - 14, collar])}Z`;
  const cloth = sheet.fade(
    [-190, 0],
    [190, 0],
    [
      [0, darken(garment, sheet.light.from < 0 ? 0.1 : 0.4)],
      [0.5, garment],
      [1, darken(garment, sheet.light.from > 0 ? 0.1 : 0.4)],
    ],
  );
  sheet.add(`<path d="${shoulders}" fill="${cloth}"/>`);
  const seam = `M${place([-half - 14, collar])}Q${place([0, collar + 62])} ${place([half + 14, collar])}`;
  sheet.add(`<path d="${seam}" fill="none" stroke="${sheet.tone(darken(garment, 0.35))}" stroke-width="5"/>`);
}

export function drawEars(sheet: Sheet, person: Person, project: Project): void {
  const skin = skinOf(person);
  const size = person.ears;
  for (const side of [-1, 1]) {
    const at = (outward: number, y: number): Place =>
      project(side * (person.face.cheek * 0.95 + outward * size), y, -8);
    const ear = closedCurve([
      at(-6, -18),
      at(11, -20 * size),
      at(16, 0),
      at(10, 24 * size),
      at(0, 38 * size),
      at(-8, 30),
    ]);
    sheet.add(`<path d="${ear}" fill="${sheet.tone(mix(skin.base, skin.shadow, 0.3))}"/>`);
    const fold = openCurve([at(0, -10), at(8, -8), at(9, 6), at(4, 20)]);
    sheet.add(
      `<path d="${fold}" fill="none" stroke="${sheet.tone(skin.deep)}" stroke-opacity=".55" stroke-width="3"/>`,
    );
  }
}

/** Outline of the head without hair, in page coordinates. */
export function headOutline(person: Person, project: Project): string {
  const { cheek, jaw, chinWidth, forehead, chin, crown } = person.face;
  const half: readonly Place[] = [
    [forehead * 0.55, -crown * 0.95],
    [forehead * 0.93, -crown * 0.66],
    [forehead * 1.0, -crown * 0.34],
    [cheek * 0.99, -8],
    [cheek, 22],
    [cheek * 0.35 + jaw * 0.65, chin * 0.42],
    [jaw, chin * 0.62],
    [jaw * 0.5 + chinWidth * 0.62, chin * 0.86],
    [chinWidth, chin * 0.965],
  ];
  const right = half.map(([x, y]) => project(x, y, y > 60 ? 12 : 0));
  const left = half.map(([x, y]) => project(-x, y, y > 60 ? 12 : 0)).reverse();
  return closedCurve([project(0, -crown, 0), ...right, project(0, chin, 22), ...left]);
}

/** Draws the skin: the shading of the form first, then the side light. */
export function drawHead(sheet: Sheet, person: Person, project: Project): void {
  const skin = skinOf(person);
  const { cheek, jaw, chin, crown, hollow } = person.face;
  const outline = headOutline(person, project);
  const lit = project(sheet.light.from * 30, -12, 60);
  const base = sheet.glow(lit, cheek * 1.5, 1.3, [
    [0, skin.light],
    [0.45, skin.base],
    [0.8, mix(skin.base, skin.shadow, 0.55)],
    [1, skin.shadow],
  ]);
  sheet.add(`<path d="${outline}" fill="${base}"/>`);

  sheet.add(`<g clip-path="${sheet.clip(outline)}">`);
  sheet.spot(project(0, -crown * 0.5, 66), cheek * 0.7, 34, lighten(skin.base, 0.5), 0.3);
  for (const side of [-1, 1]) {
    sheet.spot(project(side * cheek * 0.6, 34, 46), 32, 26, blood, 0.16);
    sheet.spot(project(side * cheek * 0.55, 24, 50), 26, 17, lighten(skin.base, 0.45), 0.3);
    sheet.spot(project(side * cheek * 0.8, chin * 0.52, 20), 24 + hollow * 10, 40, skin.deep, 0.12 + hollow * 0.5);
    sheet.spot(project(side * cheek * 0.98, -crown * 0.32, 6), 26, 48, skin.deep, 0.3);
  }
  sheet.spot(project(0, chin * 0.9, 50), 24, 15, lighten(skin.base, 0.4), 0.3);
  sheet.spot(project(0, chin * 1.03, 30), jaw * 0.9, 16, skin.deep, 0.45);
  drawSideLight(sheet, project, cheek, crown, chin);
  sheet.add('</g>');
}

/** Draws lines and folds according to the age, and freckles. */
export function drawAge(sheet: Sheet, person: Person, project: Project): void {
  const skin = skinOf(person);
  const { age, nose, mouth, eyes, face } = person;
  const line = (places: readonly Place[], opacity: number, width = 2.4): void => {
    sheet.add(
      `<path d="${openCurve(places)}" fill="none" stroke="${sheet.tone(skin.deep)}" stroke-opacity="${n(opacity)}" stroke-width="${width}" stroke-linecap="round"/>`,
    );
  };
  for (const side of [-1, 1]) {
    const wing = side * (nose.width / 2 + 4);
    const corner = side * (mouth.width / 2 + 10);
    line(
      [
        project(wing, nose.tip - 8, 58),
        project(corner - side * 2, (nose.tip + mouth.height) / 2 + 2, 48),
        project(corner, mouth.height + 4, 42),
      ],
      0.12 + age * 0.4,
      3,
    );
    const eye = (side * eyes.distance) / 2;
    line([project(eye - side * 14, 14, 52), project(eye, 19, 50), project(eye + side * 15, 14, 44)], 0.1 + age * 0.35);
    if (age > 0.55) {
      const edge = eye + side * (eyes.width / 2 + 4);
      line([project(edge, -2, 38), project(edge + side * 12, -6, 30)], age * 0.3, 1.6);
      line([project(edge, 4, 38), project(edge + side * 12, 8, 30)], age * 0.3, 1.6);
    }
  }
  if (age > 0.45) {
    for (const height of [0.4, 0.49]) {
      const y = -face.crown * height;
      line([project(-38, y, 52), project(0, y - 4, 64), project(38, y, 52)], age * 0.28, 1.8);
    }
  }
  if (!person.freckles) return;
  for (let i = 0; i < 34; i++) {
    const x = Math.sin(i * 12.9898) * 58;
    const y = 12 + Math.abs(Math.sin(i * 78.233)) * 34;
    const [px, py] = project(x, y, 56 - Math.abs(x) * 0.3);
    sheet.add(`<circle cx="${n(px)}" cy="${n(py)}" r="1.6" fill="${sheet.tone(skin.deep)}" fill-opacity=".5"/>`);
  }
}

function drawSideLight(sheet: Sheet, project: Project, cheek: number, crown: number, chin: number): void {
  const { from, contrast } = sheet.light;
  const [left] = project(-cheek, 0, 0);
  const [right] = project(cheek, 0, 0);
  const shade = Math.abs(from) * contrast;
  const bright = from < 0 ? left : right;
  const dark = from < 0 ? right : left;
  const paint = sheet.fade(
    [bright, 0],
    [dark, 0],
    [
      [0, white, shade * 0.22],
      [0.45, black, 0],
      [1, black, shade * 0.95],
    ],
  );
  sheet.add(
    `<path d="M${place([left - 30, -crown - 10])}H${n(right + 30)}V${n(chin + 10)}H${n(left - 30)}Z" fill="${paint}"/>`,
  );
}
