import sharp from 'sharp';
import { type Backdrop, backdropMarks, backdrops } from './backdrop.ts';
import { type CastName, cast } from './cast.ts';
import { type Figure, figureMarks, headHeight } from './figure.ts';
import { type Person, personFromSeed } from './person.ts';
import { seededRandom } from './random.ts';
import { n } from './sheet.ts';
import { type Expression, type Light, type LightName, lights } from './view.ts';

export interface PictureOptions {
  /** Pixels: the side of a square, or width and height. Default 400. */
  readonly size?: number | { readonly width: number; readonly height: number } | undefined;
  readonly light?: LightName | Light | undefined;
  readonly background?: Backdrop | undefined;
  /** Seed for the details of the backdrop and the clothes. */
  readonly scene?: string | number | undefined;
  readonly format?: PictureFormat | undefined;
}

type PictureFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif' | 'raw' | 'svg';

/** The person in the photo: a member of the cast, a seed, or a full description. */
export type Who = CastName | number | Person;

interface Stance {
  readonly person: Who;
  /** Degrees clockwise: the head tilts towards a shoulder. */
  readonly tilt?: number | undefined;
  /** Degrees to the picture's right; realistic up to about 25. */
  readonly yaw?: number | undefined;
  readonly expression?: Expression | undefined;
}

export interface PortraitOptions extends PictureOptions, Stance {
  /** Height of the head, from chin to crown, as a share of the picture's shorter side. Default 0.52. */
  readonly fill?: number | undefined;
  /** Position of the point between the eyes, as shares of width and height. Default (0.5, 0.46). */
  readonly at?: { readonly x: number; readonly y: number } | undefined;
}

/** Draws a photo of one person in `format` (default JPEG; `raw` is RGB, 3 bytes per pixel). The same arguments give the same bytes. */
export function drawPortrait(options: PortraitOptions): Promise<Uint8Array> {
  const { width, height } = dimensions(options.size);
  const fill = options.fill ?? 0.52;
  const at = options.at ?? { x: 0.5, y: 0.46 };
  const scale = (fill * Math.min(width, height)) / headHeight;
  return picture(options, [{ stance: options, x: at.x * width, y: at.y * height, scale }]);
}

export interface GroupMember extends Stance {
  /** Height of the head, from chin to crown, in pixels. Default: as large as the row allows. */
  readonly head?: number | undefined;
}

/** Draws several people in the given order, from left to right and from top to bottom, in `rows` rows (default 1). */
export function drawGroup(
  members: readonly GroupMember[],
  options: PictureOptions & { readonly rows?: number | undefined } = {},
): Promise<Uint8Array> {
  const size = options.size ?? { width: 900, height: 500 };
  const { width, height } = dimensions(size);
  const rows = options.rows ?? 1;
  const columns = Math.ceil(members.length / rows);
  const cell = { width: width / columns, height: height / rows };
  const placed = members.map((stance, index) => {
    const head = stance.head ?? Math.min(cell.width * 0.62, cell.height * 0.52);
    return {
      stance,
      x: ((index % columns) + 0.5) * cell.width,
      y: (Math.floor(index / columns) + 0.46) * cell.height,
      scale: head / headHeight,
    };
  });
  return picture({ ...options, size }, placed);
}

/** Draws a photo without people. */
export function drawScene(options: PictureOptions = {}): Promise<Uint8Array> {
  return picture({ background: 'garden', ...options }, []);
}

/** Returns the measures of a person. Two seeds may look alike; members of the cast do not. */
export function personOf(who: Who): Person {
  if (typeof who === 'object') return who;
  return typeof who === 'number' ? personFromSeed(who) : cast[who];
}

interface Placed {
  readonly stance: Stance;
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

async function picture(options: PictureOptions, placed: readonly Placed[]): Promise<Uint8Array> {
  const { width, height } = dimensions(options.size);
  const light: Light = typeof options.light === 'object' ? options.light : lights[options.light ?? 'even'];
  const scene = options.scene ?? 0;
  const random = seededRandom(`scene:${scene}`);
  const background = options.background ?? backdrops[0];
  let marks = backdropMarks(background, scene, light, width, height, 'b');
  for (const [index, { stance, x, y, scale }] of placed.entries()) {
    const figure: Figure = {
      person: personOf(stance.person),
      light,
      yaw: stance.yaw ?? 0,
      tilt: stance.tilt ?? 0,
      expression: stance.expression ?? 'neutral',
      garment: random.pick(garments),
    };
    marks += `<g transform="translate(${n(x)} ${n(y)}) scale(${Math.round(scale * 1e4) / 1e4})">${figureMarks(figure, `f${index}-`)}</g>`;
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks}</svg>`;
  return encode(svg, options.format ?? 'jpeg');
}

const garments = ['#2f3b52', '#7b2d2d', '#3f5a40', '#c9c2b3', '#1e1e22', '#56688f', '#8a6d3b', '#a9a9ae'] as const;

async function encode(svg: string, format: PictureFormat): Promise<Uint8Array> {
  if (format === 'svg') return Buffer.from(svg);
  const image = sharp(Buffer.from(svg)).removeAlpha();
  switch (format) {
    case 'jpeg':
      return image.jpeg({ quality: 92 }).toBuffer();
    case 'raw':
      return image.raw().toBuffer();
    default:
      return image.toFormat(format).toBuffer();
  }
}

function dimensions(size: PictureOptions['size'] = 400): { width: number; height: number } {
  return typeof size === 'number' ? { width: size, height: size } : size;
}
