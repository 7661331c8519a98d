import { black, type Colour, darken, fromHex, lighten, mix, white } from './colour.ts';
import { skinOf } from './head.ts';
import type { Person } from './person.ts';
import { closedCurve, n, openCurve, type Place, place, type Sheet } from './sheet.ts';
import type { Expression, Project } from './view.ts';

const sclera: Colour = [236, 230, 224];
const lash: Colour = [24, 15, 12];
const enamel: Colour = [238, 232, 220];

export function drawEyes(sheet: Sheet, person: Person, project: Project, expression: Expression): void {
  for (const side of [-1, 1] as const) drawEye(sheet, person, project, expression, side);
}

export function drawBrows(sheet: Sheet, person: Person, project: Project, expression: Expression): void {
  const { brows, eyes } = person;
  const colour = mix(fromHex(brows.colour), skinOf(person).deep, 0.25);
  const lift = { neutral: 0, smile: 1, laugh: 2, surprise: 8, frown: -3 }[expression];
  const pinch = expression === 'frown' ? 5 : 0;
  for (const side of [-1, 1]) {
    const at = (along: number, up: number): Place => {
      const x = eyes.distance / 2 + (along - 0.45) * brows.length - pinch * (1 - along) * 0.8;
      const y =
        -brows.height - lift - along * brows.slant - Math.sin(along * Math.PI) * brows.arch - up + pinch * (1 - along);
      return project(side * x, y, 62 - along * 26);
    };
    const half = brows.thickness / 2;
    const shape = closedCurve([
      at(0, half * 0.8),
      at(0.3, half * 1.1),
      at(0.65, half * 0.9),
      at(1, 0),
      at(0.65, -half * 0.6),
      at(0.3, -half),
      at(0, -half),
    ]);
    sheet.add(`<path d="${shape}" fill="${sheet.tone(colour)}" fill-opacity=".88"/>`);
    let hairs = '';
    for (let along = 0; along < 0.95; along += 0.075)
      hairs += `M${place(at(along, -half))}L${place(at(along + 0.1, half * 1.25 * (1 - along * 0.6)))}`;
    sheet.add(
      `<path d="${hairs}" fill="none" stroke="${sheet.tone(darken(colour, 0.25))}" stroke-opacity=".6" stroke-width="1.3"/>`,
    );
  }
}

export function drawNose(sheet: Sheet, person: Person, project: Project): void {
  const skin = skinOf(person);
  const { tip, width, bridge, relief } = person.nose;
  const half = width / 2;
  const dark = sheet.light.from <= 0 ? 1 : -1;
  const strength = 0.12 + relief * 0.45 + Math.abs(sheet.light.from) * sheet.light.contrast * 0.5;

  for (const side of [-1, 1]) {
    const opacity = side === dark ? strength : strength * 0.45;
    const flank = closedCurve([
      project(side * (bridge / 2 + 2), -12, 60),
      project(side * bridge * 0.5, tip * 0.5, 76),
      project(side * half * 0.62, tip - 9, 80),
      project(side * half, tip - 6, 62),
      project(side * (bridge * 0.5 + 10), tip * 0.5, 60),
      project(side * (bridge / 2 + 9), -6, 52),
    ]);
    const paint = sheet.fade(project(side * bridge * 0.4, 0, 72), project(side * (bridge / 2 + 13), 0, 56), [
      [0, skin.deep, opacity],
      [1, skin.deep, 0],
    ]);
    sheet.add(`<path d="${flank}" fill="${paint}"/>`);
  }
  sheet.spot(project(0, tip + 9, 64), half * 1.25, 10, skin.deep, 0.3 + relief * 0.4);
  sheet.spot(project(-dark * 1.5, tip * 0.42, 78), bridge * 0.42, tip * 0.5, lighten(skin.base, 0.6), 0.42);
  sheet.spot(project(-dark * 1.5, tip - 11, 86), bridge * 0.75, 9, lighten(skin.base, 0.7), 0.5);

  for (const side of [-1, 1]) {
    const wing = openCurve([
      project(side * half * 0.72, tip - 15, 70),
      project(side * half, tip - 8, 62),
      project(side * half * 0.94, tip + 1, 60),
      project(side * half * 0.66, tip + 2, 68),
    ]);
    sheet.add(
      `<path d="${wing}" fill="none" stroke="${sheet.tone(skin.deep)}" stroke-opacity=".7" stroke-width="2.6" stroke-linecap="round"/>`,
    );
    const [x, y] = project(side * half * 0.46, tip + 1.5, 72);
    sheet.add(
      `<ellipse cx="${n(x)}" cy="${n(y)}" rx="${n(half * 0.26)}" ry="3" fill="${sheet.tone(darken(skin.deep, 0.55))}" transform="rotate(${side * 14} ${place([x, y])})"/>`,
    );
  }
  const base = openCurve([
    project(-half * 0.5, tip + 2, 74),
    project(0, tip + 5.5, 80),
    project(half * 0.5, tip + 2, 74),
  ]);
  sheet.add(`<path d="${base}" fill="none" stroke="${sheet.tone(skin.deep)}" stroke-opacity=".6" stroke-width="2.2"/>`);
}

export function drawMouth(sheet: Sheet, person: Person, project: Project, expression: Expression): void {
  const skin = skinOf(person);
  const { height, width, upper, lower } = person.mouth;
  const lips = mix(fromHex(person.mouth.colour), skin.base, 0.3);
  const form = {
    neutral: { wide: 1, corner: 0, open: 0 },
    smile: { wide: 1.14, corner: -5, open: 0 },
    laugh: { wide: 1.2, corner: -7, open: 9 },
    surprise: { wide: 0.86, corner: 1, open: 14 },
    frown: { wide: 0.95, corner: 3, open: 0 },
  }[expression];
  const half = (width / 2) * form.wide;
  const at = (x: number, y: number, depth = 64 - Math.abs(x) * 0.35): Place => project(x, height + y, depth);
  const corner = (side: number): Place => at(side * half, form.corner);
  const gap = form.open;

  sheet.spot(at(0, -upper - 9), 5, 9, skin.deep, 0.3);
  sheet.spot(at(0, lower + gap + 9), half * 0.75, 8, skin.deep, 0.42);
  for (const side of [-1, 1]) sheet.spot(corner(side), 8, 7, skin.deep, 0.5);

  if (gap > 0) {
    const hollow = closedCurve([
      corner(-1),
      at(-half * 0.5, -1 + form.corner * 0.3),
      at(0, 0),
      at(half * 0.5, -1 + form.corner * 0.3),
      corner(1),
      at(half * 0.5, gap),
      at(0, gap + 2),
      at(-half * 0.5, gap),
    ]);
    sheet.add(`<path d="${hollow}" fill="${sheet.tone([58, 18, 18])}"/>`);
    const teeth = closedCurve([
      at(-half * 0.78, form.corner * 0.6),
      at(0, 0),
      at(half * 0.78, form.corner * 0.6),
      at(half * 0.5, gap * 0.55),
      at(0, gap * 0.66),
      at(-half * 0.5, gap * 0.55),
    ]);
    sheet.add(`<path d="${teeth}" fill="${sheet.tone(enamel)}"/>`);
  }
  const top = `M${place(corner(-1))}Q${place(at(-half * 0.45, -upper * 0.9))} ${place(at(-half * 0.16, -upper))}Q${place(at(0, -upper * 0.55))} ${place(at(half * 0.16, -upper))}Q${place(at(half * 0.45, -upper * 0.9))} ${place(corner(1))}Q${place(at(half * 0.4, 1.5 + form.corner * 0.2))} ${place(at(0, 1))}Q${place(at(-half * 0.4, 1.5 + form.corner * 0.2))} ${place(corner(-1))}Z`;
  sheet.add(
    `<path d="${top}" fill="${sheet.fade(at(0, -upper), at(0, 1), [
      [0, lips],
      [1, darken(lips, 0.35)],
    ])}"/>`,
  );
  const bottom = `M${place(corner(-1))}Q${place(at(-half * 0.4, gap + 1 + form.corner * 0.2))} ${place(at(0, gap + 1))}Q${place(at(half * 0.4, gap + 1 + form.corner * 0.2))} ${place(corner(1))}Q${place(at(half * 0.5, gap + lower * 1.05))} ${place(at(0, gap + lower))}Q${place(at(-half * 0.5, gap + lower * 1.05))} ${place(corner(-1))}Z`;
  sheet.add(
    `<path d="${bottom}" fill="${sheet.fade(at(0, gap), at(0, gap + lower), [
      [0, darken(lips, 0.1)],
      [0.5, lighten(lips, 0.14)],
      [1, darken(lips, 0.12)],
    ])}"/>`,
  );
  sheet.spot(at(sheet.light.from * 5, gap + lower * 0.5), half * 0.36, lower * 0.26, white, 0.3);
  if (gap === 0) {
    const line = openCurve([
      corner(-1),
      at(-half * 0.4, 1.2 + form.corner * 0.25),
      at(0, 1),
      at(half * 0.4, 1.2 + form.corner * 0.25),
      corner(1),
    ]);
    sheet.add(
      `<path d="${line}" fill="none" stroke="${sheet.tone(mix(darken(lips, 0.72), black, 0.2))}" stroke-width="2.4" stroke-linecap="round"/>`,
    );
  }
}

function drawEye(sheet: Sheet, person: Person, project: Project, expression: Expression, side: -1 | 1): void {
  const skin = skinOf(person);
  const { eyes } = person;
  const half = eyes.width / 2;
  const squeeze = { neutral: 1, smile: 0.84, laugh: 0.66, surprise: 1.3, frown: 0.9 }[expression];
  const opening = eyes.opening * squeeze;
  const rise = opening * 0.6 * (1 - eyes.hood * 0.25);
  const fall = opening * 0.4;
  /** `out` from -1 (inner corner) to 1 (outer). */
  const at = (out: number, y: number): Place =>
    project(side * (eyes.distance / 2 + out * half), y - ((out + 1) / 2) * eyes.slant, 56 - (out + 1) * 7);

  sheet.spot(at(-0.1, -9), half * 1.75, 21, skin.deep, 0.2 + eyes.depth * 0.5);
  sheet.spot(at(-1.15, -4), 13, 17, skin.deep, 0.2 + eyes.depth * 0.4);
  sheet.spot(at(0.1, -rise - 6), half * 0.9, 6, lighten(skin.base, 0.35), 0.35);
  sheet.spot(at(0, fall + 9), half * 1.05, 8, skin.deep, 0.16 + person.age * 0.2);

  const shape = closedCurve([
    at(-1, 2),
    at(-0.55, -rise * 0.72),
    at(0, -rise),
    at(0.55, -rise * 0.76),
    at(1, 0),
    at(0.5, fall * 0.9),
    at(-0.1, fall),
    at(-0.6, fall * 0.72),
  ]);
  sheet.add(
    `<path d="${shape}" fill="${sheet.fade(at(0, -rise), at(0, fall), [
      [0, darken(sclera, 0.36)],
      [0.45, sclera],
      [1, darken(sclera, 0.06)],
    ])}"/>`,
  );

  const iris = fromHex(eyes.colour);
  const radius = Math.min(9.2, half * 0.44);
  const [x, y] = at(0, -rise * 0.16);
  sheet.add(`<g clip-path="${sheet.clip(shape)}">`);
  const paint = sheet.glow([x, y + radius * 0.3], radius, 1, [
    [0, lighten(iris, 0.32)],
    [0.6, iris],
    [1, darken(iris, 0.62)],
  ]);
  sheet.add(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${paint}"/>`);
  sheet.add(`<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius * 0.43)}" fill="${sheet.tone([8, 6, 6])}"/>`);
  sheet.add(
    `<circle cx="${n(x + sheet.light.from * 3 + 0.8)}" cy="${n(y - radius * 0.36)}" r="${n(radius * 0.22)}" fill="${sheet.tone(white)}" fill-opacity=".9"/>`,
  );
  sheet.spot(at(0, -rise - 1), half, opening * 0.42, black, 0.4);
  sheet.add('</g>');

  const lid = [at(-1, 2), at(-0.55, -rise * 0.72), at(0, -rise), at(0.55, -rise * 0.76), at(1.08, -1)];
  sheet.add(
    `<path d="${openCurve(lid)}" fill="none" stroke="${sheet.tone(mix(lash, skin.deep, 0.15))}" stroke-width="3" stroke-linecap="round"/>`,
  );
  const under = [at(-0.8, 2.4), at(-0.2, fall), at(0.5, fall * 0.9), at(1, 0)];
  sheet.add(
    `<path d="${openCurve(under)}" fill="none" stroke="${sheet.tone(mix(lash, skin.deep, 0.5))}" stroke-opacity=".6" stroke-width="1.4"/>`,
  );
  const gap = 3 + (1 - eyes.hood) * 5;
  const crease = [
    at(-0.95, -rise * 0.5 - gap * 0.5),
    at(-0.4, -rise - gap),
    at(0.3, -rise - gap),
    at(1.1, -rise * 0.4 - gap * 0.5),
  ];
  sheet.add(
    `<path d="${openCurve(crease)}" fill="none" stroke="${sheet.tone(skin.deep)}" stroke-opacity=".7" stroke-width="2.2" stroke-linecap="round"/>`,
  );
  sheet.spot(at(-1.02, 2), 3.4, 2.6, [196, 110, 100], 0.7);
}
