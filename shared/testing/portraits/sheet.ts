import { type Colour, css, mix, white } from './colour.ts';
import type { Light } from './view.ts';

export type Place = readonly [x: number, y: number];
type Stop = readonly [offset: number, colour: Colour, opacity?: number];

/** An SVG drawing that is built step by step, under one light. */
export interface Sheet {
  readonly light: Light;
  add(markup: string): void;
  /** CSS colour of `colour` under the light. */
  tone(colour: Colour): string;
  /** Radial gradient around `at`, `radius` wide and `squash` times as high; returns a paint. */
  glow(at: Place, radius: number, squash: number, stops: readonly Stop[]): string;
  /** Linear gradient between two places; returns a paint. */
  fade(from: Place, to: Place, stops: readonly Stop[]): string;
  /** Defines a region that clips later marks; returns the value for `clip-path`. */
  clip(path: string): string;
  /** Adds a soft spot: `opacity` in the middle, transparent at the edge. */
  spot(at: Place, radiusX: number, radiusY: number, colour: Colour, opacity: number): void;
  /** The complete markup: definitions, then marks. */
  toString(): string;
}

const warmLight: Colour = [255, 196, 140];
const coldLight: Colour = [176, 208, 255];

/** `prefix` makes the ids unique when one file contains several sheets. */
export function newSheet(light: Light, prefix: string): Sheet {
  const definitions: string[] = [];
  const marks: string[] = [];
  const tint = mix(white, light.warmth > 0 ? warmLight : coldLight, Math.abs(light.warmth) * 0.6);
  const tone = (colour: Colour): string => {
    const lit = colour.map((value, channel) => (value * light.level * tint[channel]!) / 255);
    return css([lit[0]!, lit[1]!, lit[2]!]);
  };
  const define = (markup: (id: string) => string): string => {
    const id = `${prefix}${definitions.length}`;
    definitions.push(markup(id));
    return `url(#${id})`;
  };
  const stopMarks = (stops: readonly Stop[]): string =>
    stops
      .map(
        ([at, colour, opacity = 1]) =>
          `<stop offset="${at}" stop-color="${tone(colour)}" stop-opacity="${n(opacity)}"/>`,
      )
      .join('');

  const glow: Sheet['glow'] = (at, radius, squash, stops) =>
    define(
      (id) =>
        `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="0" cy="0" r="${n(radius)}" gradientTransform="translate(${place(at)}) scale(1 ${n(squash)})">${stopMarks(stops)}</radialGradient>`,
    );

  return {
    light,
    add: (markup) => void marks.push(markup),
    tone,
    glow,
    fade: ([x1, y1], [x2, y2], stops) =>
      define(
        (id) =>
          `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}">${stopMarks(stops)}</linearGradient>`,
      ),
    clip: (path) => define((id) => `<clipPath id="${id}"><path d="${path}"/></clipPath>`),
    spot(at, radiusX, radiusY, colour, opacity) {
      const paint = glow(at, radiusX, radiusY / radiusX, [
        [0, colour, opacity],
        [0.5, colour, opacity * 0.55],
        [1, colour, 0],
      ]);
      marks.push(`<ellipse cx="${n(at[0])}" cy="${n(at[1])}" rx="${n(radiusX)}" ry="${n(radiusY)}" fill="${paint}"/>`);
    },
    toString: () => `<defs>${definitions.join('')}</defs>${marks.join('')}`,
  };
}

/** A smooth closed outline through the places (Catmull-Rom as Bézier curves). */
export function closedCurve(places: readonly Place[]): string {
  return `${curve(places, true)}Z`;
}

/** A smooth line through the places. */
export function openCurve(places: readonly Place[]): string {
  return curve(places, false);
}

/** Shortest notation, rounded to a hundredth. */
export const n = (value: number): string => String(Math.round(value * 100) / 100);

export const place = ([x, y]: Place): string => `${n(x)} ${n(y)}`;

function curve(places: readonly Place[], closed: boolean): string {
  const count = places.length;
  const at = (index: number): Place =>
    places[closed ? (index + count) % count : Math.min(count - 1, Math.max(0, index))]!;
  let path = `M${place(at(0))}`;
  for (let i = 0; i < (closed ? count : count - 1); i++) {
    const [before, from, to, after] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    const leave: Place = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
    const arrive: Place = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
    path += `C${place(leave)} ${place(arrive)} ${place(to)}`;
  }
  return path;
}
