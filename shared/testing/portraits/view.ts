/** Direction, contrast, level and warmth of the light. */
export interface Light {
  /** Direction: -1 from the picture's left, 0 from the front, 1 from its right. */
  readonly from: number;
  /** 0: flat; 1: a hard shadow on the other side. */
  readonly contrast: number;
  /** Overall brightness; 1: a well-exposed photo. */
  readonly level: number;
  /** Colour, from -1 blue (shade, dusk) to 1 orange (lamp, sunset). */
  readonly warmth: number;
}

export const lights = {
  even: { from: 0, contrast: 0.25, level: 1, warmth: 0 },
  left: { from: -0.8, contrast: 0.55, level: 1, warmth: 0.1 },
  right: { from: 0.8, contrast: 0.55, level: 1, warmth: -0.1 },
  lamp: { from: 0.4, contrast: 0.4, level: 0.88, warmth: 0.8 },
  shade: { from: -0.3, contrast: 0.2, level: 0.85, warmth: -0.7 },
  bright: { from: 0.2, contrast: 0.35, level: 1.14, warmth: 0.05 },
  dim: { from: -0.5, contrast: 0.5, level: 0.64, warmth: 0.3 },
} as const satisfies Record<string, Light>;
export type LightName = keyof typeof lights;

export const expressions = ['neutral', 'smile', 'laugh', 'surprise', 'frown'] as const;
export type Expression = (typeof expressions)[number];

/** Projects a point of the face to the page. `depth`: distance in front of the axis of the head, in units of the face. */
export type Project = (x: number, y: number, depth: number) => readonly [x: number, y: number];

/** Projection of a head turned by `yaw` degrees, > 0 to the picture's right. Orthographic, like a photo from some distance. */
export function projection(yaw: number): Project {
  const angle = (yaw * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  return (x, y, depth) => [x * cosine + depth * sine, y];
}
