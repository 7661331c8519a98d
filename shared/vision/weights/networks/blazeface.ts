import * as z from 'zod';
import { buildGraph, type Edge, type Padding } from '../graph.ts';
import type { Weights } from '../tfjs-weights.ts';

const words = z.array(z.string());
const nodeSchema = z.object({
  name: z.string(),
  op: z.string(),
  input: words.default([]),
  attr: z
    .object({
      strides: z.object({ list: z.object({ i: words }) }),
      ksize: z.object({ list: z.object({ i: words }) }),
      padding: z.object({ s: z.string() }),
      fused_ops: z.object({ list: z.object({ s: words }) }),
    })
    .partial(),
});
const topologySchema = z.object({ node: z.array(nodeSchema) });
type GraphNode = z.infer<typeof nodeSchema>;

/** Outputs of the model: scores and boxes of the 16×16 map with 2 anchors in each cell, then of the 8×8 map with 6. */
const heads = { scores: ['Identity', 'Identity_1'], boxes: ['Identity_2', 'Identity_3'] } as const;

/**
 * Converts BlazeFace, the model for the back camera, from the TFJS graph model of `@vladmandic/human` (blazeface.json) to ONNX.
 *
 * - `input` N×3×H×W, RGB, x / 127.5 − 1. H and W are multiples of 32 (trained at 256×256).
 * - `boxes` N×A×16: x and y of the centre relative to the centre of the anchor, width, height, then six points relative to the centre
 *   of the anchor, all in pixels of the input.
 * - `scores` N×A in 0..1.
 *
 * A: 2 anchors in each cell at stride 16, then 6 in each cell at stride 32, row by row: 896 at 256×256.
 */
export function blazeface(weights: Weights, topology: unknown): Uint8Array {
  const { node: nodes } = topologySchema.parse(topology);
  const graph = buildGraph('blazeface');
  const edges = new Map<string, Edge>();
  const edge = (name: string | undefined): Edge => {
    const found = edges.get(name ?? '');
    if (found === undefined) throw new Error(`blazeface: ${name} is used before it is defined`);
    return found;
  };

  const convert = ({ name, op, input, attr }: GraphNode): Edge => {
    const [first, second, third] = input;
    switch (op) {
      case 'Placeholder':
        return graph.input('input', ['N', 3, 'H', 'W']);
      case '_FusedConv2D': {
        const kernel = weights.get(second ?? '');
        const bias = weights.get(third ?? '').data;
        const out = graph.convolution(edge(first), { kernel, bias, stride: stride(attr), padding: padding(attr) });
        return attr.fused_ops?.list.s.map(decoded).includes('Relu') ? graph.relu(out) : out;
      }
      case 'DepthwiseConv2dNative': {
        const options = { kernel: weights.get(second ?? ''), stride: stride(attr), padding: padding(attr) };
        return graph.convolution(edge(first), { ...options, depthwise: true });
      }
      case 'MaxPool':
        return graph.pool('MaxPool', edge(first), Number(attr.ksize?.list.i[1]), stride(attr), padding(attr));
      case 'Pad': {
        // [[before, after] of N, H, W, C]. The network only appends channels.
        const channels = weights.get(second ?? '').data[7] ?? 0;
        return graph.padEnd(edge(first), { channels });
      }
      case 'Reshape':
        return graph.rows(edge(first), weights.get(second ?? '').data[2] ?? 1);
      case 'AddV2':
        return graph.add(edge(first), edge(second));
      case 'Relu':
        return graph.relu(edge(first));
      case 'Identity':
        return edge(first);
      default:
        throw new Error(`blazeface: the operator ${op} of ${name} is not supported`);
    }
  };

  for (const node of nodes) if (node.op !== 'Const') edges.set(node.name, convert(node));
  const scores = graph.sigmoid(graph.concat(heads.scores.map(edge), 1));
  graph.output('boxes', graph.concat(heads.boxes.map(edge), 1), ['N', 'A', 16]);
  graph.output('scores', graph.flatten(scores), ['N', 'A']);
  return graph.encode();
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');
const stride = (attr: GraphNode['attr']): number => Number(attr.strides?.list.i[1] ?? 1);
const padding = (attr: GraphNode['attr']): Padding => (decoded(attr.padding?.s ?? '') === 'SAME' ? 'same' : 'valid');
