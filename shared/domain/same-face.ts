import { type Box, intersectionOverUnion } from './geometry.ts';
import { sameFace } from './tuning.ts';

/** true when two boxes in one photo are the same face. The boxes can come from different networks. */
export const isSameFace = (a: Box, b: Box): boolean => intersectionOverUnion(a, b) >= sameFace.overlap;
