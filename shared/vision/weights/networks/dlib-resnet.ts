import { buildGraph, type Edge, type Padding } from '../graph.ts';
import type { Tensor, Weights } from '../tfjs-weights.ts';

/**
 * Converts dlib's face recognition ResNet from `@vladmandic/face-api` (face_recognition_model) to ONNX.
 *
 * - `input` N×3×150×150, RGB, (x − [122.782, 117.001, 104.298]) / 255.
 * - `embedding` N×128, not normalised: its norm is 1.3 to 1.6.
 */
export function dlibResnet(weights: Weights): Uint8Array {
  const graph = buildGraph('dlib-resnet');

  /** Convolution, then a factor and an offset for each channel. Both are folded into kernel and bias. */
  const convolution = (input: Edge, name: string, stride: number, padding: Padding): Edge => {
    const kernel = weights.get(`${name}/conv/filters`);
    const scale = weights.get(`${name}/scale/weights`).data;
    const offset = weights.get(`${name}/scale/biases`).data;
    const bias = weights.get(`${name}/conv/bias`).data.map((value, i) => value * (scale[i] ?? 0) + (offset[i] ?? 0));
    return graph.convolution(input, { kernel: scaleOutputs(kernel, scale), bias, stride, padding });
  };

  const residual = (input: Edge, name: string): Edge => {
    const first = graph.relu(convolution(input, `${name}/conv1`, 1, 1));
    return graph.relu(graph.add(convolution(first, `${name}/conv2`, 1, 1), input));
  };

  /** Halves the size. Pads the shortcut with zero channels, and the main path with a zero row and column if it is smaller. */
  const residualDown = (input: Edge, name: string, added: { channels?: number; shrunk?: boolean }): Edge => {
    const first = graph.relu(convolution(input, `${name}/conv1`, 2, 'valid'));
    const second = convolution(first, `${name}/conv2`, 1, 1);
    const main = added.shrunk ? graph.padEnd(second, { rows: 1, columns: 1 }) : second;
    const pooled = graph.pool('AveragePool', input, 2, 2, 'valid');
    const shortcut = added.channels ? graph.padEnd(pooled, { channels: added.channels }) : pooled;
    return graph.relu(graph.add(shortcut, main));
  };

  const input = graph.input('input', ['N', 3, 150, 150]);
  let out = graph.relu(convolution(input, 'conv32_down', 2, 'valid'));
  out = graph.pool('MaxPool', out, 3, 2, 'valid');
  for (const name of ['conv32_1', 'conv32_2', 'conv32_3']) out = residual(out, name);
  out = residualDown(out, 'conv64_down', { channels: 32 });
  for (const name of ['conv64_1', 'conv64_2', 'conv64_3']) out = residual(out, name);
  out = residualDown(out, 'conv128_down', { channels: 64 });
  for (const name of ['conv128_1', 'conv128_2']) out = residual(out, name);
  out = residualDown(out, 'conv256_down', { channels: 128, shrunk: true });
  for (const name of ['conv256_1', 'conv256_2']) out = residual(out, name);
  out = residualDown(out, 'conv256_down_out', { shrunk: true });
  out = graph.dense(graph.flatten(graph.globalAverage(out)), weights.get('fc'));
  graph.output('embedding', out, ['N', 128]);
  return graph.encode();
}

function scaleOutputs({ shape, data }: Tensor, scale: Float32Array): Tensor {
  return { shape, data: data.map((value, i) => value * (scale[i % scale.length] ?? 0)) };
}
