import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeSsdBox, ssdAnchors } from '../detectors/ssd-anchors.ts';
import { npmFile } from './npm-sources.ts';
import { recipes } from './recipes.ts';

/** The part of TensorFlow.js and face-api that the reference runs need. The types of the two packages are not compatible. */
interface ReferenceTensor {
  readonly shape: number[];
  data(): Promise<Float32Array>;
}
interface Tfjs {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: Float32Array, shape: number[]): ReferenceTensor;
  loadGraphModel(handler: unknown): Promise<{ execute(input: ReferenceTensor, outputs: string[]): ReferenceTensor[] }>;
}
interface ReferenceNet<Out> {
  loadFromDisk(folder: string): Promise<void>;
  forwardInput(input: unknown): Out;
}
interface FaceApi {
  NetInput: new (inputs: ReferenceTensor[], batch: boolean) => unknown;
  nets: {
    faceRecognitionNet: ReferenceNet<ReferenceTensor>;
    faceLandmark68Net: ReferenceNet<never> & { runNet(input: unknown): ReferenceTensor };
    ssdMobilenetv1: ReferenceNet<{ boxes: ReferenceTensor[]; scores: ReferenceTensor[] }>;
  };
}

const dlibMean = [122.782, 117.001, 104.298];
const tolerance = 1e-4;

let tf: Tfjs;
let faceApi: FaceApi;
let models: string;

beforeAll(async () => {
  const require = createRequire(import.meta.url);
  tf = require('@tensorflow/tfjs');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out/'));
  await tf.setBackend('wasm');
  await tf.ready();
  faceApi = require(await npmFile('@vladmandic/face-api', 'dist/face-api.node-wasm.js'));
  models = dirname(await npmFile('@vladmandic/face-api', 'model/face_recognition_model.bin'));
}, 60_000);

describe('networks made from npm weights', () => {
  it("When dlib's ResNet is converted, then its embeddings of a batch are those of the original", async () => {
    const chips = [pattern(150, 1), pattern(150, 2)];
    const input = chips.map((chip) => normalised(chip, (value, c) => (value - (dlibMean[c] ?? 0)) / 255));

    const { embedding } = await run('dlib-resnet', input, 150);

    await faceApi.nets.faceRecognitionNet.loadFromDisk(models);
    const reference = faceApi.nets.faceRecognitionNet.forwardInput(netInput(chips, 150));
    expect(embedding?.dims).toEqual([2, 128]);
    expect(worstDifference(embedding, await reference.data())).toBeLessThan(tolerance);
  });

  it('When the 68-point network is converted, then its points are those of the original', async () => {
    const crops = [pattern(112, 3), pattern(112, 4)];
    const input = crops.map((crop) => normalised(crop, (value, c) => (value - (dlibMean[c] ?? 0)) / 255));

    const { points } = await run('landmarks-68', input, 112);

    await faceApi.nets.faceLandmark68Net.loadFromDisk(models);
    const reference = faceApi.nets.faceLandmark68Net.runNet(netInput(crops, 112));
    expect(points?.dims).toEqual([2, 136]);
    expect(worstDifference(points, await reference.data())).toBeLessThan(tolerance);
  });

  it('When SSD-MobileNet is converted, then its scores and boxes are those of the original', async () => {
    const photo = pattern(512, 5);

    const { boxes, scores } = await run('ssd-mobilenet', [normalised(photo, (value) => value / 127.5 - 1)], 512);

    await faceApi.nets.ssdMobilenetv1.loadFromDisk(models);
    const reference = faceApi.nets.ssdMobilenetv1.forwardInput(netInput([photo], 512));
    expect(worstDifference(scores, (await reference.scores[0]?.data()) ?? new Float32Array())).toBeLessThan(tolerance);
    const anchors = ssdAnchors(512, 512);
    const decoded = Array.from({ length: anchors.count }, (_, i) => {
      const { left, top, width, height } = decodeSsdBox(anchors, boxes?.data as Float32Array, i);
      return [top, left, top + height, left + width].map((pixels) => pixels / 512);
    }).flat();
    const expected = (await reference.boxes[0]?.data()) ?? new Float32Array();
    expect(decoded).toHaveLength(expected.length);
    expect(Math.max(...decoded.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))).toBeLessThan(3e-4);
  });

  it('When BlazeFace is converted, then the outputs of both maps are those of the original', async () => {
    const photo = pattern(256, 6);
    const centred = photo.map((value) => value / 127.5 - 1);

    const { boxes, scores } = await run('blazeface', [normalised(photo, (value) => value / 127.5 - 1)], 256);

    const path = await npmFile('@vladmandic/human', 'models/blazeface.json');
    const model = JSON.parse(await readFile(path, 'utf8'));
    const weights = await readFile(path.replace('.json', '.bin'));
    const reference = await tf.loadGraphModel({
      load: async () => ({
        modelTopology: model.modelTopology,
        weightSpecs: model.weightsManifest[0].weights,
        weightData: new Uint8Array(weights).buffer,
      }),
    });
    const outputs = ['Identity_2:0', 'Identity_3:0', 'Identity:0', 'Identity_1:0'];
    const tensors = reference.execute(tf.tensor(centred, [1, 256, 256, 3]), outputs);
    const [boxes16, boxes8, logits16, logits8] = await Promise.all(tensors.map((tensor) => tensor.data()));
    const sigmoid = [...(logits16 ?? []), ...(logits8 ?? [])].map((logit) => 1 / (1 + Math.exp(-logit)));
    expect(boxes?.dims).toEqual([1, 896, 16]);
    expect(worstDifference(boxes, [...(boxes16 ?? []), ...(boxes8 ?? [])], 256)).toBeLessThan(tolerance);
    expect(worstDifference(scores, sigmoid)).toBeLessThan(tolerance);
  });

  it('When the input of BlazeFace is bigger, then its output has a row for each anchor of each cell', async () => {
    const { boxes } = await run('blazeface', [new Float32Array(3 * 320 * 320)], 320);

    expect(boxes?.dims).toEqual([1, 20 * 20 * 2 + 10 * 10 * 6, 16]);
  });
});

/** A smooth picture with edges, 0..255, interleaved RGB. It depends on the seed and is the same on every machine. */
function pattern(side: number, seed: number): Float32Array {
  return Float32Array.from({ length: side * side * 3 }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3];
    const wave = Math.sin((x * (seed + c)) / 17) + Math.cos((y * (seed + 2)) / 23) + (((x >> 4) + (y >> 4)) % 2);
    return Math.round(((wave + 2) / 5) * 255);
  });
}

/** Converts interleaved pixels to planes and applies `change` to each value. */
function normalised(pixels: Float32Array, change: (value: number, channel: number) => number): Float32Array {
  const area = pixels.length / 3;
  return pixels.map((_, i) => change(pixels[(i % area) * 3 + Math.floor(i / area)] ?? 0, Math.floor(i / area)));
}

function netInput(pictures: Float32Array[], side: number): unknown {
  return new faceApi.NetInput(
    pictures.map((pixels) => tf.tensor(pixels, [side, side, 3])),
    true,
  );
}

async function run(
  name: keyof typeof recipes,
  inputs: Float32Array[],
  side: number,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(await recipes[name].build(), { intraOpNumThreads: 1 });
  const data = new Float32Array(inputs.length * 3 * side * side);
  inputs.forEach((input, i) => void data.set(input, i * 3 * side * side));
  const outputs = await session.run({ input: new ort.Tensor('float32', data, [inputs.length, 3, side, side]) });
  await session.release();
  return outputs;
}

/** Largest absolute difference, divided by `unit`. NaN when the lengths differ. */
function worstDifference(ours: ort.OnnxValue | undefined, theirs: ArrayLike<number>, unit = 1): number {
  const data = (ours as ort.Tensor).data as Float32Array;
  if (data.length !== theirs.length) return Number.NaN;
  return data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (theirs[i] ?? Number.NaN)) / unit), 0);
}
