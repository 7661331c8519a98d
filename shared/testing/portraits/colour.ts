/** Red, green, blue, each 0..255. */
export type Colour = readonly [red: number, green: number, blue: number];

export const white: Colour = [255, 255, 255];
export const black: Colour = [0, 0, 0];

/** Parses `#rrggbb`. */
export function fromHex(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Blends linearly from `a` (share 0) to `b` (share 1). */
export function mix(a: Colour, b: Colour, share: number): Colour {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

export const lighten = (colour: Colour, share: number): Colour => mix(colour, white, share);
export const darken = (colour: Colour, share: number): Colour => mix(colour, black, share);

/** Colour in CSS notation, each channel rounded and clamped to 0..255. */
export function css(colour: Colour): string {
  const [red, green, blue] = colour.map((value) => Math.round(Math.min(255, Math.max(0, value))));
  return `rgb(${red},${green},${blue})`;
}
