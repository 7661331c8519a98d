import { readFile } from 'node:fs/promises';
import { blazeface } from './networks/blazeface.ts';
import { dlibResnet } from './networks/dlib-resnet.ts';
import { landmarks68 } from './networks/landmarks-68.ts';
import { ssdMobilenet } from './networks/ssd-mobilenet.ts';
import { npmFile } from './npm-sources.ts';
import { readTfjsWeights, type Weights } from './tfjs-weights.ts';

/** Builds the ONNX file of a network from weights in an npm dependency. */
export interface Recipe {
  /** Name of the npm package. */
  readonly package: string;
  /** Path of the manifest or graph model in the package. Its .bin files are in the same folder. */
  readonly path: string;
  /** Returns the bytes of the ONNX file. They are the same on every machine. Errors: Error when the package is not installed. */
  build(): Promise<Uint8Array>;
}

/** Recipes by the name of the model file in the catalogue, without `.onnx`. */
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
