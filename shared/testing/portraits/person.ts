import { seededRandom } from './random.ts';

export const hairStyles = [
  'bald',
  'buzz',
  'short',
  'side-part',
  'receding',
  'quiff',
  'curly',
  'bob',
  'fringe',
  'long',
  'middle-part',
  'bun',
] as const;
export type HairStyle = (typeof hairStyles)[number];

const beards = ['none', 'stubble', 'moustache', 'goatee', 'full'] as const;
type Beard = (typeof beards)[number];

const glassesStyles = ['none', 'round', 'square', 'rimless'] as const;
type GlassesStyle = (typeof glassesStyles)[number];

/**
 * Properties of a drawn person that are the same in every photo. Lengths are in units of the face: the eyes of an average person are
 * 80 apart, the point between them is (0, 0), y grows downwards, the chin is near 135. Colours are `#rrggbb`.
 */
export interface Person {
  readonly skin: string;
  /** `cheek`, `jaw`, `chinWidth` and `forehead` are half widths; `chin` and `crown` are distances from the eye line; `hollow` 0..1 is the shade under the cheekbones. */
  readonly face: {
    readonly cheek: number;
    readonly jaw: number;
    readonly chinWidth: number;
    readonly forehead: number;
    readonly chin: number;
    readonly crown: number;
    readonly hollow: number;
  };
  /** `slant` lifts the outer corner; `hood` 0..1 is how far the lid hangs; `depth` 0..1 is the darkness of the socket; `lash` is the thickness of the upper lid's line. */
  readonly eyes: {
    readonly distance: number;
    readonly width: number;
    readonly opening: number;
    readonly slant: number;
    readonly hood: number;
    readonly depth: number;
    readonly lash: number;
    readonly colour: string;
  };
  /** `height` above the eye; `slant` lifts the outer end; `arch` lifts the middle. */
  readonly brows: {
    readonly height: number;
    readonly thickness: number;
    readonly length: number;
    readonly slant: number;
    readonly arch: number;
    readonly colour: string;
  };
  /** `tip` is the distance of the base from the eye line; `width` is the width at the wings; `bridge` is the width of the bridge; `relief` 0..1 is the strength of the shadows. */
  readonly nose: { readonly tip: number; readonly width: number; readonly bridge: number; readonly relief: number };
  /** `height` is the distance of the line between the lips from the eye line; `upper` and `lower` are the thickness of the lips. */
  readonly mouth: {
    readonly height: number;
    readonly width: number;
    readonly upper: number;
    readonly lower: number;
    readonly colour: string;
  };
  readonly hair: { readonly style: HairStyle; readonly colour: string; readonly hairline: number };
  readonly beard: Beard;
  readonly glasses: GlassesStyle;
  /** 0 (twenty years) to 1 (seventy years): strength of folds and lines. */
  readonly age: number;
  /** Size of the ears; 1 is average. */
  readonly ears: number;
  readonly freckles: boolean;
}

const eyeColours = ['#3b2414', '#5a3a1e', '#7a6a3a', '#4f7a5a', '#4d7ba6', '#7f97a8'] as const;
const lipColours = ['#b8605a', '#a54d4c', '#c47a6c', '#8e4644', '#b03f4c', '#7a3f3a'] as const;
const darkHair = ['#16110e', '#221a16', '#2b1d15'] as const;
const anyHair = [...darkHair, '#4a2f1f', '#7a4d2b', '#a8753f', '#d0a866', '#8b3a1e'] as const;
const greyHair = ['#8d8a86', '#bdbab5', '#d9d6d1'] as const;
/** Skin colours from fair to dark, with the possible hair and eye colours. */
const skins = [
  { colour: '#f6dac6', hair: anyHair, eyes: eyeColours },
  { colour: '#eec1a0', hair: anyHair, eyes: eyeColours },
  { colour: '#e3b088', hair: anyHair, eyes: eyeColours },
  { colour: '#cf9670', hair: darkHair, eyes: eyeColours.slice(0, 4) },
  { colour: '#b07650', hair: darkHair, eyes: eyeColours.slice(0, 3) },
  { colour: '#8a5838', hair: darkHair, eyes: eyeColours.slice(0, 2) },
  { colour: '#63402a', hair: darkHair, eyes: eyeColours.slice(0, 2) },
] as const;
const longStyles: readonly HairStyle[] = ['bob', 'fringe', 'long', 'middle-part', 'bun'];

/** Returns the person for a seed; the same seed always gives the same person. Two seeds may look alike; members of the cast do not. */
export function personFromSeed(seed: string | number): Person {
  const random = seededRandom(`person:${seed}`);
  const { between, pick, chance } = random;
  const skin = pick(skins);
  const age = between(0, 1);
  const hairColour = age > 0.6 && chance(0.6) ? pick(greyHair) : pick(skin.hair);
  const style = pick(hairStyles);
  const bearded = !longStyles.includes(style) && chance(0.5);
  const cheek = between(72, 102);
  const chin = between(116, 156);
  const tip = between(36, 58);
  return {
    skin: skin.colour,
    face: {
      cheek,
      jaw: cheek * between(0.68, 0.98),
      chinWidth: between(18, 50),
      forehead: cheek * between(0.84, 1),
      chin,
      crown: between(120, 144),
      hollow: between(0, 1),
    },
    eyes: {
      distance: between(64, 94),
      width: between(30, 46),
      opening: between(8, 20),
      slant: between(-6, 8),
      hood: between(0, 1),
      depth: between(0, 1),
      lash: between(1.5, 5),
      colour: pick(skin.eyes),
    },
    brows: {
      height: between(16, 32),
      thickness: between(2, 14),
      length: between(38, 60),
      slant: between(-9, 9),
      arch: between(0, 10),
      colour: hairColour,
    },
    nose: { tip, width: between(22, 54), bridge: between(8, 24), relief: between(0, 1) },
    mouth: {
      height: Math.max(tip + 26, between(76, 100) + (chin - 135) * 0.4),
      width: between(38, 82),
      upper: between(2, 15),
      lower: between(3, 20),
      colour: pick(lipColours),
    },
    hair: { style, colour: hairColour, hairline: between(56, 92) },
    beard: bearded ? pick(beards.slice(1)) : 'none',
    glasses: chance(0.25) ? pick(glassesStyles.slice(1)) : 'none',
    age,
    ears: between(0.8, 1.3),
    freckles: chance(0.15),
  };
}
