import { type AttributeValue, encodeOnnx, type OnnxNode, type OnnxTensor, type OnnxValue } from './onnx-format.ts';
import type { Tensor } from './tfjs-weights.ts';

/** Name of a tensor in the graph. */
export type Edge = string & { readonly edge?: never };

/**
 * `same` as in TensorFlow: the output has ceil(input / stride) pixels, and an odd row or column of padding is at the bottom or the
 * right. `valid` adds no padding. A number adds that many pixels on every side.
 */
export type Padding = 'same' | 'valid' | number;

interface ConvolutionOptions {
  /** Shape [height, width, in, out] as in TensorFlow, or [height, width, channels, 1] when `depthwise`. */
  readonly kernel: Tensor;
  readonly bias?: Float32Array;
  readonly stride?: number;
  readonly padding: Padding;
  readonly depthwise?: boolean;
}

/** Collects the nodes of a network and encodes them as ONNX. All feature maps are NCHW. */
export interface GraphBuilder {
  input(name: string, shape: OnnxValue['shape']): Edge;
  convolution(input: Edge, options: ConvolutionOptions): Edge;
  pool(kind: 'MaxPool' | 'AveragePool', input: Edge, size: number, stride: number, padding: Padding): Edge;
  /** Adds zeros after the last channel, row and column. */
  padEnd(input: Edge, added: { channels?: number; rows?: number; columns?: number }): Edge;
  relu(input: Edge): Edge;
  /** Clips to 0..6. */
  relu6(input: Edge): Edge;
  add(a: Edge, b: Edge): Edge;
  sigmoid(input: Edge): Edge;
  globalAverage(input: Edge): Edge;
  /** [N, …] to [N, product of the other dimensions]. */
  flatten(input: Edge): Edge;
  /** `matrix` has the shape [in, out]. */
  dense(input: Edge, matrix: Tensor, bias?: Float32Array): Edge;
  /** [N, C, H, W] to [N, H·W·C / last, last], in TensorFlow's order (channels last). Without `last`: [N, H·W·C]. */
  rows(input: Edge, last?: number): Edge;
  concat(inputs: readonly Edge[], axis: number): Edge;
  output(name: string, edge: Edge, shape: OnnxValue['shape']): void;
  /** Bytes of the .onnx file. */
  encode(): Uint8Array;
}

/** Returns a builder for an empty graph. `name` is the name of the ONNX graph. */
export function buildGraph(name: string): GraphBuilder {
  const nodes: OnnxNode[] = [];
  const constants: OnnxTensor[] = [];
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];

  const node = (
    operator: string,
    edges: Edge[],
    attributes: Record<string, AttributeValue> = {},
    as?: string,
  ): Edge => {
    const output = as ?? `${operator.toLowerCase()}_${nodes.length}`;
    nodes.push({ operator, inputs: edges, output, attributes });
    return output;
  };
  const constant = (shape: readonly number[], data: Float32Array | BigInt64Array): Edge => {
    const edge = `constant_${constants.length}`;
    constants.push({ name: edge, shape, data });
    return edge;
  };
  const integers = (...values: number[]): Edge => constant([values.length], BigInt64Array.from(values.map(BigInt)));

  return {
    input(edge, shape) {
      inputs.push({ name: edge, shape });
      return edge;
    },
    convolution(input, { kernel, bias, stride = 1, padding, depthwise = false }) {
      const [height = 0, width = 0, channels = 0] = kernel.shape;
      const edges = [input, constant(...kernelOfOnnx(kernel, depthwise))];
      if (bias) edges.push(constant([bias.length], bias));
      return node('Conv', edges, {
        kernel_shape: [height, width],
        strides: [stride, stride],
        group: depthwise ? channels : 1,
        ...paddingAttribute(padding),
      });
    },
    pool: (kind, input, size, stride, padding) =>
      node(kind, [input], { kernel_shape: [size, size], strides: [stride, stride], ...paddingAttribute(padding) }),
    padEnd: (input, { channels = 0, rows = 0, columns = 0 }) =>
      node('Pad', [input, integers(0, 0, 0, 0, 0, channels, rows, columns)]),
    relu: (input) => node('Relu', [input]),
    relu6: (input) => node('Clip', [input, constant([], Float32Array.of(0)), constant([], Float32Array.of(6))]),
    add: (a, b) => node('Add', [a, b]),
    sigmoid: (input) => node('Sigmoid', [input]),
    globalAverage: (input) => node('GlobalAveragePool', [input]),
    flatten: (input) => node('Flatten', [input], { axis: 1 }),
    dense(input, matrix, bias) {
      const edges = [input, constant(matrix.shape, matrix.data)];
      if (bias) edges.push(constant([bias.length], bias));
      return node('Gemm', edges);
    },
    rows(input, last) {
      const channelsLast = node('Transpose', [input], { perm: [0, 2, 3, 1] });
      return node('Reshape', [channelsLast, last === undefined ? integers(0, -1) : integers(0, -1, last)]);
    },
    concat: (edges, axis) => node('Concat', [...edges], { axis }),
    output(edge, from, shape) {
      node('Identity', [from], {}, edge);
      outputs.push({ name: edge, shape });
    },
    encode: () => encodeOnnx({ name, nodes, constants, inputs, outputs }),
  };
}

function paddingAttribute(padding: Padding): Record<string, AttributeValue> {
  if (padding === 'same') return { auto_pad: 'SAME_UPPER' };
  const pixels = padding === 'valid' ? 0 : padding;
  return { pads: [pixels, pixels, pixels, pixels] };
}

/** [H, W, in, out] to [out, in, H, W]; depthwise [H, W, channels, 1] to [channels, 1, H, W]. */
function kernelOfOnnx({ shape, data }: Tensor, depthwise: boolean): [shape: number[], data: Float32Array] {
  const [height = 0, width = 0, third = 0, fourth = 0] = shape;
  const [inputs, outputs] = depthwise ? [fourth, third] : [third, fourth];
  const pixels = height * width;
  const moved = new Float32Array(data.length);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let i = 0; i < inputs; i += 1) {
      for (let o = 0; o < outputs; o += 1) {
        const from = depthwise ? (pixel * outputs + o) * inputs + i : (pixel * inputs + i) * outputs + o;
        moved[(o * inputs + i) * pixels + pixel] = data[from] ?? 0;
      }
    }
  }
  return [[outputs, inputs, height, width], moved];
}
