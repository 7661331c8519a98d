import type { OpenEmbedder } from '../kinds.ts';
import { openAlignedChip } from './aligned-chip.ts';

/** Networks trained with a margin loss on chips aligned by five points. The default options are those of InsightFace. */
export const openArcface: OpenEmbedder = (input) =>
  openAlignedChip(input, { side: 112, color: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] });
