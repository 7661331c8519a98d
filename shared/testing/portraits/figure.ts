import { fromHex } from './colour.ts';
import { drawBrows, drawEyes, drawMouth, drawNose } from './features.ts';
import { drawGlasses } from './glasses.ts';
import { drawBeard, drawHairBehind, drawHairFront } from './hair.ts';
import { drawAge, drawEars, drawHead, drawTorso } from './head.ts';
import type { Person } from './person.ts';
import { n, newSheet } from './sheet.ts';
import { type Expression, type Light, projection } from './view.ts';

/** One person in one photo. */
export interface Figure {
  readonly person: Person;
  readonly light: Light;
  readonly yaw: number;
  readonly tilt: number;
  readonly expression: Expression;
  /** Colour of the clothes, `#rrggbb`. */
  readonly garment: string;
}

/** Height from chin to crown of an average head, in units of the face. */
export const headHeight = 265;

/** SVG marks of the figure, in units of the face; the origin is the point between the eyes. `prefix` must be unique in the file. */
export function figureMarks(figure: Figure, prefix: string): string {
  const { person, expression } = figure;
  const sheet = newSheet(figure.light, prefix);
  const project = projection(figure.yaw);
  const turn = `<g transform="rotate(${n(figure.tilt)} 0 110)">`;

  sheet.add(turn);
  drawHairBehind(sheet, person, project);
  sheet.add('</g>');
  drawTorso(sheet, person, project, fromHex(figure.garment));
  sheet.add(turn);
  drawEars(sheet, person, project);
  drawHead(sheet, person, project);
  drawAge(sheet, person, project);
  drawNose(sheet, person, project);
  drawBeard(sheet, person, project);
  drawMouth(sheet, person, project, expression);
  drawEyes(sheet, person, project, expression);
  drawBrows(sheet, person, project, expression);
  drawHairFront(sheet, person, project);
  drawGlasses(sheet, person, project);
  sheet.add('</g>');
  return sheet.toString();
}
