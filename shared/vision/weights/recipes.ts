import { readFile } from 'node:fs/promises';
import { blazeface } from './networks/blazeface.ts';
import { dlibResnet } from './networks/dlib-resnet.ts';
import { landmarks68 } from './networks/landmarks-68.ts';
import { ssdMobilenet } from './networks/ssd-mobilenet.ts';
import { npmFile } from './npm-sources.ts';
import { readTfjsWeights, type Weights } from './tfjs-weights.ts';

/** How a network whose weights come inside an npm dependency becomes an ONNX file. */
export interface Recipe {
  readonly package: string;
  /** Manifest or graph model, inside the package; its .bin files lie beside it. */
  readonly path: string;
  /** The bytes of the ONNX file; the same on every machine. */
  build(): Promise<Uint8Array>;
}

/** By the name that the catalogue uses. */
export const recipes = {
  'dlib-resnet': faceApi('face_recognition_model', dlibResnet),
  'landmarks-68': faceApi('face_landmark_68_model', landmarks68),
  'ssd-mobilenet': faceApi('ssd_mobilenetv1_model', ssdMobilenet),
  blazeface: {
    package: '@vladmandic/human',
    path: 'models/blazeface.json',
    async build() {
      const path = await npmFile(this.package, this.path);
      const model = JSON.parse(await readFile(path, 'utf8'));
      return blazeface(await readTfjsWeights(path, model.weightsManifest), model.modelTopology);
    },
  },
} as const satisfies Record<string, Recipe>;

function faceApi(name: string, convert: (weights: Weights) => Uint8Array): Recipe {
  return {
    package: '@vladmandic/face-api',
    path: `model/${name}-weights_manifest.json`,
    async build() {
      const path = await npmFile(this.package, this.path);
      return convert(await readTfjsWeights(path, JSON.parse(await readFile(path, 'utf8'))));
    },
  };
}
