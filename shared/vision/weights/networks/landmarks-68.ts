import { buildGraph, type Edge } from '../graph.ts';
import type { Weights } from '../tfjs-weights.ts';

/**
 * Converts the 68-point network of `@vladmandic/face-api` (face_landmark_68_model) to ONNX.
 *
 * - `input` N×3×112×112, RGB, (x − [122.782, 117.001, 104.298]) / 255.
 * - `points` N×136: x and y of 68 points, 0..1 of the input.
 */
export function landmarks68(weights: Weights): Uint8Array {
  const graph = buildGraph('landmarks-68');

  const separable = (input: Edge, name: string, stride = 1): Edge => {
    const kernel = weights.get(`${name}/depthwise_filter`);
    const spread = graph.convolution(input, { kernel, stride, padding: 'same', depthwise: true });
    const bias = weights.get(`${name}/bias`).data;
    return graph.convolution(spread, { kernel: weights.get(`${name}/pointwise_filter`), bias, padding: 'valid' });
  };

  const plain = (input: Edge, name: string): Edge => {
    const kernel = weights.get(`${name}/filters`);
    return graph.convolution(input, { kernel, bias: weights.get(`${name}/bias`).data, stride: 2, padding: 'same' });
  };

  /** Halves the size. The input of each layer is the sum of the layers before it. */
  const dense = (input: Edge, name: string, isFirst = false): Edge => {
    const first = `${name}/conv0`;
    const one = graph.relu(isFirst ? plain(input, first) : separable(input, first, 2));
    let sum = graph.add(one, separable(one, `${name}/conv1`));
    for (const layer of ['conv2', 'conv3']) sum = graph.add(sum, separable(graph.relu(sum), `${name}/${layer}`));
    return graph.relu(sum);
  };

  let out = dense(graph.input('input', ['N', 3, 112, 112]), 'dense0', true);
  for (const name of ['dense1', 'dense2', 'dense3']) out = dense(out, name);
  out = graph.flatten(graph.pool('AveragePool', out, 7, 2, 'valid'));
  graph.output('points', graph.dense(out, weights.get('fc/weights'), weights.get('fc/bias').data), ['N', 136]);
  return graph.encode();
}
