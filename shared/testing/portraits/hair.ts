import { type Colour, darken, fromHex, lighten, mix } from './colour.ts';
import { headOutline, skinOf } from './head.ts';
import type { HairStyle, Person } from './person.ts';
import { seededRandom } from './random.ts';
import { closedCurve, n, type Place, place, type Sheet } from './sheet.ts';
import type { Project } from './view.ts';

/** Shape of a style: `volume` above the skull, `length` of the sides (y), `part` the position of the parting (-1..1), `fringe` the length of the fringe over the brow. */
interface Cut {
  readonly volume: number;
  readonly width: number;
  readonly length: number;
  readonly part: number;
  readonly fringe: number;
  readonly recede: number;
}

const cuts: Record<Exclude<HairStyle, 'bald'>, Cut> = {
  buzz: { volume: 4, width: 1.0, length: 0, part: 0, fringe: 0, recede: 0.3 },
  short: { volume: 14, width: 1.05, length: 6, part: -0.3, fringe: 6, recede: 0 },
  'side-part': { volume: 18, width: 1.06, length: 12, part: 0.55, fringe: 4, recede: 0.1 },
  receding: { volume: 6, width: 1.04, length: 10, part: 0, fringe: -14, recede: 1 },
  quiff: { volume: 32, width: 1.0, length: 2, part: -0.6, fringe: -6, recede: 0.15 },
  curly: { volume: 30, width: 1.2, length: 40, part: 0, fringe: 8, recede: 0 },
  bob: { volume: 18, width: 1.24, length: 105, part: 0.4, fringe: 2, recede: 0 },
  fringe: { volume: 18, width: 1.2, length: 120, part: 0, fringe: 36, recede: 0 },
  long: { volume: 16, width: 1.22, length: 235, part: -0.35, fringe: 0, recede: 0 },
  'middle-part': { volume: 14, width: 1.16, length: 215, part: 0, fringe: -4, recede: 0.05 },
  bun: { volume: 10, width: 1.03, length: 20, part: 0, fringe: -8, recede: 0.2 },
};

/** Draws the hair behind the head. */
export function drawHairBehind(sheet: Sheet, person: Person, project: Project): void {
  const { style } = person.hair;
  if (style === 'bald') return;
  const cut = cuts[style];
  const { cheek, crown } = person.face;
  const colour = darken(fromHex(person.hair.colour), 0.3);
  const half = cheek * cut.width;
  const at = (x: number, y: number): Place => project(x, y, -24);

  if (style === 'bun') {
    const [x, y] = at(0, -crown - 28);
    sheet.add(
      `<circle cx="${n(x)}" cy="${n(y)}" r="38" fill="${hairPaint(sheet, fromHex(person.hair.colour), [x, y], 38)}"/>`,
    );
  }
  if (style === 'curly') {
    drawCurls(sheet, person, project, colour, -24);
    return;
  }
  if (cut.length < 60) return;
  const end = cut.length;
  const shape = closedCurve([
    at(0, -crown - cut.volume),
    at(half * 0.75, -crown * 0.86),
    at(half * 1.06, -crown * 0.3),
    at(half * 1.1, end * 0.45),
    at(half * 1.12, end * 0.9),
    at(half * 0.7, end + 8),
    at(0, end),
    at(-half * 0.7, end + 8),
    at(-half * 1.12, end * 0.9),
    at(-half * 1.1, end * 0.45),
    at(-half * 1.06, -crown * 0.3),
    at(-half * 0.75, -crown * 0.86),
  ]);
  sheet.add(`<path d="${shape}" fill="${hairPaint(sheet, colour, at(sheet.light.from * 60, 0), half * 1.6)}"/>`);
}

/** Draws the hair around the face. */
export function drawHairFront(sheet: Sheet, person: Person, project: Project): void {
  const { style, hairline } = person.hair;
  if (style === 'bald') return;
  const cut = cuts[style];
  const { forehead, crown, cheek } = person.face;
  const colour = fromHex(person.hair.colour);
  const half = Math.max(cheek, forehead) * (cut.width > 1.1 ? cut.width * 0.97 : cut.width);
  const line = Math.min(crown - 40, hairline);
  const outer = (x: number, y: number): Place => project(x, y, -6);
  const inner = (x: number, y: number): Place => project(x, y, 40 * (1 - Math.abs(x) / (half + 1)));
  const sideEnd = Math.min(cut.length, 96);
  const sideIn = cut.length > 60 ? cheek * 0.93 : forehead * 0.97;
  const temple = -line * (0.62 + cut.recede * 0.5);
  const part = cut.part * forehead * 0.7;

  const fringe: Place[] =
    cut.fringe > 20
      ? [
          inner(forehead * 0.8, -line + cut.fringe + 8),
          inner(forehead * 0.35, -line + cut.fringe),
          inner(0, -line + cut.fringe + 2),
          inner(-forehead * 0.35, -line + cut.fringe),
          inner(-forehead * 0.8, -line + cut.fringe + 8),
        ]
      : [
          inner(forehead * 0.82, temple - cut.recede * 22),
          inner((forehead * 0.7 + part) / 2, -line + cut.fringe * 0.7 - cut.recede * 8),
          inner(part, -line - 6 - cut.recede * 4),
          inner((part - forehead * 0.7) / 2, -line + cut.fringe * 0.7 - cut.recede * 8),
          inner(-forehead * 0.82, temple - cut.recede * 22),
        ];
  const shape = closedCurve([
    outer(0, -crown - cut.volume),
    outer(half * 0.62, -crown * 0.93 - cut.volume * 0.7),
    outer(half * 0.97, -crown * 0.6),
    outer(half * 1.02, -crown * 0.22),
    outer(half * 1.01, sideEnd * 0.55),
    outer(half * (cut.length > 60 ? 0.99 : 0.98), sideEnd),
    inner(sideIn, sideEnd * 0.9),
    inner(sideIn, -line * 0.2),
    ...fringe,
    inner(-sideIn, -line * 0.2),
    inner(-sideIn, sideEnd * 0.9),
    outer(-half * (cut.length > 60 ? 0.99 : 0.98), sideEnd),
    outer(-half * 1.01, sideEnd * 0.55),
    outer(-half * 1.02, -crown * 0.22),
    outer(-half * 0.97, -crown * 0.6),
    outer(-half * 0.62, -crown * 0.93 - cut.volume * 0.7),
  ]);
  const shine = outer(sheet.light.from * 45, -crown * 0.85);
  const paint = hairPaint(sheet, colour, shine, half * 1.25);
  const opacity = style === 'buzz' ? 0.78 : 1;
  sheet.spot(project(0, -line + Math.max(0, cut.fringe) + 8, 44), forehead * 0.95, 16, skinOf(person).deep, 0.3);
  sheet.add(`<path d="${shape}" fill="${paint}" fill-opacity="${opacity}"/>`);
  if (style === 'curly') drawCurls(sheet, person, project, colour, 0);
  else if (style !== 'buzz') drawStrands(sheet, colour, shape, outer, half, crown + cut.volume, line, part);
}

/** Draws beard and moustache. Call it before `drawMouth`, because the mouth covers stubble and full beards. */
export function drawBeard(sheet: Sheet, person: Person, project: Project): void {
  if (person.beard === 'none') return;
  const { nose, mouth, face } = person;
  const hair = mix(fromHex(person.hair.colour), skinOf(person).shadow, person.hair.style === 'bald' ? 0.35 : 0.12);
  const low = mouth.height + mouth.lower;
  const half = mouth.width / 2;
  const at = (x: number, y: number, depth: number): Place => project(x, y, depth);

  if (person.beard === 'stubble' || person.beard === 'full') {
    const dense = person.beard === 'full';
    const drop = dense ? 16 : 2;
    const inside = face.jaw * 1.02;
    const shape = closedCurve([
      at(face.cheek * 0.99, 26, 2),
      at(face.cheek * 0.35 + face.jaw * 0.66, face.chin * 0.45, 4),
      at(inside, face.chin * 0.64, 6),
      at(face.chinWidth * 1.25, face.chin + drop * 0.5, 14),
      at(0, face.chin + drop, 24),
      at(-face.chinWidth * 1.25, face.chin + drop * 0.5, 14),
      at(-inside, face.chin * 0.64, 6),
      at(-face.cheek * 0.35 - face.jaw * 0.66, face.chin * 0.45, 4),
      at(-face.cheek * 0.99, 26, 2),
      at(-face.cheek * 0.86, 42, 14),
      at(-half * 1.25, mouth.height - 12, 40),
      at(-nose.width * 0.42, nose.tip + 12, 60),
      at(0, nose.tip + 12, 62),
      at(nose.width * 0.42, nose.tip + 12, 60),
      at(half * 1.25, mouth.height - 12, 40),
      at(face.cheek * 0.86, 42, 14),
    ]);
    const paint = sheet.glow(at(sheet.light.from * 25, mouth.height, 50), face.cheek * 1.1, 1, [
      [0, lighten(hair, 0.08)],
      [1, darken(hair, 0.3)],
    ]);
    const cut = dense ? '' : ` clip-path="${sheet.clip(headOutline(person, project))}"`;
    sheet.add(`<path d="${shape}" fill="${paint}" fill-opacity="${dense ? 0.93 : 0.36}"${cut}/>`);
  }
  if (person.beard === 'goatee') {
    const shape = closedCurve([
      at(-half * 0.5, low + 6, 56),
      at(0, low + 3, 60),
      at(half * 0.5, low + 6, 56),
      at(face.chinWidth * 0.8, face.chin * 0.97, 36),
      at(0, face.chin + 9, 34),
      at(-face.chinWidth * 0.8, face.chin * 0.97, 36),
    ]);
    sheet.add(`<path d="${shape}" fill="${sheet.tone(hair)}" fill-opacity=".92"/>`);
  }
  if (person.beard !== 'stubble') {
    const top = nose.tip + 9;
    const wide = Math.max(half, nose.width * 0.75);
    const lip = mouth.height - mouth.upper + 1;
    const shape = closedCurve([
      at(0, top + 2, 66),
      at(nose.width * 0.36, top + 1, 62),
      at(wide * 0.8, (top + lip) / 2 + 1, 54),
      at(wide * 1.14, mouth.height + 5, 44),
      at(wide * 0.85, mouth.height, 48),
      at(wide * 0.4, lip + 2, 60),
      at(0, lip + 1, 64),
      at(-wide * 0.4, lip + 2, 60),
      at(-wide * 0.85, mouth.height, 48),
      at(-wide * 1.14, mouth.height + 5, 44),
      at(-wide * 0.8, (top + lip) / 2 + 1, 54),
      at(-nose.width * 0.36, top + 1, 62),
    ]);
    sheet.add(`<path d="${shape}" fill="${sheet.tone(hair)}" fill-opacity=".95"/>`);
  }
}

function hairPaint(sheet: Sheet, colour: Colour, shine: Place, radius: number): string {
  return sheet.glow(shine, radius, 0.9, [
    [0, lighten(colour, 0.2)],
    [0.35, colour],
    [1, darken(colour, 0.45)],
  ]);
}

function drawStrands(
  sheet: Sheet,
  colour: Colour,
  shape: string,
  outer: (x: number, y: number) => Place,
  half: number,
  top: number,
  line: number,
  part: number,
): void {
  let strands = '';
  for (let i = -9; i <= 9; i++) {
    const side = i / 9;
    const start = outer(part + side * half * 0.25, -top + 4);
    const bend = outer(part + side * half * 0.85, -top * 0.86);
    const end = outer(side * half * 1.04, -line * 0.2 + Math.abs(side) * 40);
    strands += `M${place(start)}Q${place(bend)} ${place(end)}`;
  }
  const mark = `fill="none" stroke-width="2.2"`;
  sheet.add(
    `<g clip-path="${sheet.clip(shape)}"><path d="${strands}" ${mark} stroke="${sheet.tone(darken(colour, 0.45))}" stroke-opacity=".5"/>` +
      `<path d="${strands}" ${mark} stroke="${sheet.tone(lighten(colour, 0.25))}" stroke-opacity=".3" transform="translate(3 2)"/></g>`,
  );
}

function drawCurls(sheet: Sheet, person: Person, project: Project, colour: Colour, depth: number): void {
  const random = seededRandom(`curls:${person.hair.colour}:${person.face.cheek}`);
  const { cheek, crown } = person.face;
  const behind = depth < 0;
  const count = behind ? 26 : 20;
  for (let i = 0; i <= count; i++) {
    const turn = Math.PI * (behind ? -0.12 + (1.24 * i) / count : 0.04 + (0.92 * i) / count);
    const reach = behind ? 1.16 : 1;
    const [x, y] = project(Math.cos(turn) * cheek * reach, -22 - Math.sin(turn) * (crown - 12) * reach, depth);
    const radius = random.between(17, 25);
    const tint = random.between(-0.15, 0.2);
    const shade = tint > 0 ? lighten(colour, tint) : darken(colour, -tint);
    sheet.add(
      `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${hairPaint(sheet, shade, [x - 4, y - 5], radius * 1.1)}"/>`,
    );
  }
}
