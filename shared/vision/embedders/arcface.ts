import type { OpenEmbedder } from '../kinds.ts';
import { openAlignedChip } from './aligned-chip.ts';

/** The family trained with a margin loss on five-point chips; the defaults are InsightFace's input, options change them. */
export const openArcface: OpenEmbedder = (input) =>
  openAlignedChip(input, { side: 112, color: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] });
