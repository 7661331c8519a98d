import { type Colour, white } from './colour.ts';
import type { Person } from './person.ts';
import { closedCurve, n, openCurve, type Place, type Sheet } from './sheet.ts';
import type { Project } from './view.ts';

const horn: Colour = [38, 26, 20];
const steel: Colour = [120, 122, 128];

/** Draws the frame and a faint reflection; the eyes stay visible. */
export function drawGlasses(sheet: Sheet, person: Person, project: Project): void {
  const { glasses, eyes, face } = person;
  if (glasses === 'none') return;
  const colour = glasses === 'rimless' ? steel : horn;
  const stroke = glasses === 'rimless' ? 1.6 : glasses === 'square' ? 5.5 : 3.8;
  const halfWidth = Math.min(eyes.distance / 2 - 4, glasses === 'round' ? 29 : 33);
  const halfHeight = glasses === 'round' ? 27 : 21;
  const line = (places: readonly Place[]): void => {
    sheet.add(
      `<path d="${openCurve(places)}" fill="none" stroke="${sheet.tone(colour)}" stroke-width="${n(Math.max(2, stroke))}"/>`,
    );
  };
  for (const side of [-1, 1]) {
    const centre = (side * eyes.distance) / 2;
    const corner = glasses === 'round' ? 0.71 : 0.93;
    const at = (x: number, y: number): Place => project(centre + x * halfWidth, 4 + y * halfHeight, 66 - side * x * 8);
    const rim = closedCurve([
      at(0, -1),
      at(corner, -corner),
      at(1, 0),
      at(corner, corner),
      at(0, 1),
      at(-corner, corner),
      at(-1, 0),
      at(-corner, -corner),
    ]);
    sheet.add(
      `<path d="${rim}" fill="${sheet.tone(white)}" fill-opacity=".07" stroke="${sheet.tone(colour)}" stroke-width="${stroke}"/>`,
    );
    line([at(side, -0.35), project(side * face.cheek * 0.97, -8, 4)]);
  }
  const inner = eyes.distance / 2 - halfWidth;
  line([project(-inner, 0, 72), project(0, -4, 78), project(inner, 0, 72)]);
}
