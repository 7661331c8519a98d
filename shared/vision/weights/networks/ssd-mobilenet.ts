import { buildGraph, type Edge } from '../graph.ts';
import type { Tensor, Weights } from '../tfjs-weights.ts';

/** Added to the variance by TensorFlow's batch normalisation in this network. */
const batchNormEpsilon = 0.0010000000474974513;

/** Layers of MobileNet that halve the size. */
const halving = new Set([2, 4, 6, 12]);

/** Columns of a class prediction: background, face, and one that training did not use. */
const classes = 3;
const faceColumn = 1;

/**
 * Converts SSD on MobileNetV1 from `@vladmandic/face-api` (ssd_mobilenetv1_model) to ONNX. The boxes stay offsets from the anchors.
 *
 * - `input` N×3×H×W, RGB, x / 127.5 − 1, any H and W (trained at 512×512).
 * - `boxes` N×A×4: y, x, height, width as offsets (variances 0.1 and 0.2).
 * - `scores` N×A in 0..1.
 *
 * A: six maps at strides 16 to 512, row by row, with 3 anchors in each cell of the first map and 6 in each cell of the others: 5,118
 * at 512×512.
 */
export function ssdMobilenet(weights: Weights): Uint8Array {
  const graph = buildGraph('ssd-mobilenet');

  const pointwise = (input: Edge, name: string, stride = 1): Edge => {
    const kernel = weights.get(`${name}_pointwise/weights`);
    const bias = weights.get(`${name}_pointwise/convolution_bn_offset`).data;
    return graph.relu6(graph.convolution(input, { kernel, bias, stride, padding: 'same' }));
  };

  const depthwise = (input: Edge, name: string, stride: number): Edge => {
    const norm = (part: string) => weights.get(`${name}/BatchNorm/${part}`).data;
    const [gamma, beta, mean] = [norm('gamma'), norm('beta'), norm('moving_mean')];
    const factor = Array.from(norm('moving_variance'), (v, i) => (gamma[i] ?? 0) / Math.sqrt(v + batchNormEpsilon));
    const { shape, data } = weights.get(`${name}/depthwise_weights`);
    const kernel = { shape, data: data.map((value, i) => value * (factor[i % factor.length] ?? 0)) };
    const bias = beta.map((value, i) => value - (mean[i] ?? 0) * (factor[i] ?? 0));
    return graph.relu6(graph.convolution(input, { kernel, bias, stride, padding: 'same', depthwise: true }));
  };

  const predict = (input: Edge, level: number): { boxes: Edge; scores: Edge } => {
    const name = (part: string) => `Prediction/BoxPredictor_${level}/${part}`;
    const boxKernel = weights.get(name('BoxEncodingPredictor/weights'));
    const boxBias = weights.get(name('BoxEncodingPredictor/biases')).data;
    const faceKernel = everyThird(weights.get(name('ClassPredictor/weights')));
    const faceBias = everyThird(weights.get(name('ClassPredictor/biases'))).data;
    const boxes = graph.convolution(input, { kernel: boxKernel, bias: boxBias, padding: 'same' });
    const scores = graph.convolution(input, { kernel: faceKernel, bias: faceBias, padding: 'same' });
    return { boxes: graph.rows(boxes, 4), scores: graph.rows(scores) };
  };

  let out = pointwise(graph.input('input', ['N', 3, 'H', 'W']), 'MobilenetV1/Conv2d_0', 2);
  const maps: Edge[] = [];
  for (let layer = 1; layer <= 13; layer += 1) {
    out = depthwise(out, `MobilenetV1/Conv2d_${layer}_depthwise`, halving.has(layer) ? 2 : 1);
    out = pointwise(out, `MobilenetV1/Conv2d_${layer}`);
    if (layer === 11 || layer === 13) maps.push(out);
  }
  for (const layer of [0, 2, 4, 6]) {
    out = pointwise(out, `Prediction/Conv2d_${layer}`);
    out = pointwise(out, `Prediction/Conv2d_${layer + 1}`, 2);
    maps.push(out);
  }
  const predictions = maps.map(predict);
  const boxes = predictions.map((prediction) => prediction.boxes);
  const scores = predictions.map((prediction) => prediction.scores);
  graph.output('boxes', graph.concat(boxes, 1), ['N', 'A', 4]);
  graph.output('scores', graph.sigmoid(graph.concat(scores, 1)), ['N', 'A']);
  return graph.encode();
}

/** Keeps only the face column of every class prediction. The other columns are not used. */
function everyThird({ shape, data }: Tensor): Tensor {
  const columns = shape[shape.length - 1] ?? 0;
  const kept = data.filter((_, i) => (i % columns) % classes === faceColumn);
  return { shape: [...shape.slice(0, -1), columns / classes], data: kept };
}
