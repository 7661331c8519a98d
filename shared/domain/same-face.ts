import { type Box, intersectionOverUnion } from './geometry.ts';
import { sameFace } from './tuning.ts';

/** Whether two boxes in one photo, found by whatever networks, are one face. */
export const isSameFace = (a: Box, b: Box): boolean => intersectionOverUnion(a, b) >= sameFace.overlap;
