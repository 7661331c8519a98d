import { buildGraph } from '../graph.ts';

/** An ONNX file that onnxruntime loads, and that does next to nothing. */
export function tinyNetwork(): Buffer {
  const graph = buildGraph('tiny');
  graph.output('output', graph.relu(graph.input('input', ['N', 3, 112, 112])), ['N', 3, 112, 112]);
  return Buffer.from(graph.encode());
}
