import { openBlazeface } from './detectors/blazeface.ts';
import { openRetinaface } from './detectors/retinaface.ts';
import { openSsdMobilenet } from './detectors/ssd-mobilenet.ts';
import { openYunet } from './detectors/yunet.ts';
import { openArcface } from './embedders/arcface.ts';
import { openDlib } from './embedders/dlib.ts';
import type { OpenDetector, OpenEmbedder, OpenLandmarker } from './kinds.ts';
import { openLandmarks68 } from './landmarkers/landmarks-68.ts';

/** The kinds that a pack can name. To add a network family, write one file and add one line here. */
export const detectors: Readonly<Record<string, OpenDetector>> = {
  blazeface: openBlazeface,
  retinaface: openRetinaface,
  'ssd-mobilenet': openSsdMobilenet,
  yunet: openYunet,
};
export const landmarkers: Readonly<Record<string, OpenLandmarker>> = { 'landmarks-68': openLandmarks68 };
export const embedders: Readonly<Record<string, OpenEmbedder>> = {
  arcface: openArcface,
  dlib: openDlib,
};
