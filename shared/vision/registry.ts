import { openRetinaface } from './detectors/retinaface.ts';
import { openYunet } from './detectors/yunet.ts';
import { openArcface } from './embedders/arcface.ts';
import { openDlib } from './embedders/dlib.ts';
import type { OpenDetector, OpenEmbedder, OpenLandmarker } from './kinds.ts';

/** What a pack can name as `kind`. Another network family is one file and one line here. */
export const detectors: Readonly<Record<string, OpenDetector>> = {
  retinaface: openRetinaface,
  yunet: openYunet,
};
export const landmarkers: Readonly<Record<string, OpenLandmarker>> = {};
export const embedders: Readonly<Record<string, OpenEmbedder>> = {
  arcface: openArcface,
  dlib: openDlib,
};
