import type { OpenEmbedder } from '../kinds.ts';
import { openAlignedChip } from './aligned-chip.ts';

/** dlib's ResNet, `dlib_face_recognition_resnet_model_v1`. */
export const openDlib: OpenEmbedder = (input) =>
  openAlignedChip(input, {
    side: 150,
    color: 'rgb',
    mean: [122.782, 117.001, 104.298],
    std: [255, 255, 255],
    views: [{ zoom: 1 }, { zoom: 1.08, mirrored: true }],
  });
