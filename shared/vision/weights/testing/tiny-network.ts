import { buildGraph } from '../graph.ts';

/** A small ONNX file that onnxruntime can load: one ReLU. */
export function tinyNetwork(): Buffer {
  const graph = buildGraph('tiny');
  graph.output('output', graph.relu(graph.input('input', ['N', 3, 112, 112])), ['N', 3, 112, 112]);
  return Buffer.from(graph.encode());
}
