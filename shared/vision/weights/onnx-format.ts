import protobuf from 'protobufjs/light.js';

/** The part of ONNX that the converted networks need: one graph of float tensors. Source of the field ids: onnx/onnx.proto, IR 8. */
const onnxSubset: protobuf.INamespace = {
  nested: {
    ModelProto: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'GraphProto', id: 7 },
        opsetImport: { rule: 'repeated', type: 'OperatorSetIdProto', id: 8 },
      },
    },
    OperatorSetIdProto: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    GraphProto: {
      fields: {
        node: { rule: 'repeated', type: 'NodeProto', id: 1 },
        name: { type: 'string', id: 2 },
        initializer: { rule: 'repeated', type: 'TensorProto', id: 5 },
        input: { rule: 'repeated', type: 'ValueInfoProto', id: 11 },
        output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      },
    },
    NodeProto: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: { rule: 'repeated', type: 'AttributeProto', id: 5 },
      },
    },
    AttributeProto: {
      fields: {
        name: { type: 'string', id: 1 },
        i: { type: 'int64', id: 3 },
        s: { type: 'bytes', id: 4 },
        ints: { rule: 'repeated', type: 'int64', id: 8, options: { packed: false } },
        type: { type: 'int32', id: 20 },
      },
    },
    TensorProto: {
      fields: {
        dims: { rule: 'repeated', type: 'int64', id: 1, options: { packed: false } },
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    TypeProto: { fields: { tensorType: { type: 'TensorTypeProto', id: 1 } } },
    TensorTypeProto: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'ShapeProto', id: 2 } } },
    ShapeProto: { fields: { dim: { rule: 'repeated', type: 'DimensionProto', id: 1 } } },
    DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
  },
};

/** Value of a node's attribute. A number is an integer. */
export type AttributeValue = number | readonly number[] | string;

/** One operation. `operator` is the ONNX operator type; inputs and output are names of tensors. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A constant of the graph in row-major order: float32 or int64. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

/** Input or output of a network. A dimension that is a string, such as `N`, can have any size. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const irVersion = 8;
const operatorSet = 13;
const elementType = { float: 1, int64: 7 };
const attributeType = { int: 2, string: 3, ints: 7 };

/** Encodes a graph as the bytes of an .onnx file. The same graph gives the same bytes on every machine. */
export function encodeOnnx(graph: OnnxGraph): Uint8Array {
  const model = protobuf.Root.fromJSON(onnxSubset).lookupType('ModelProto');
  return model
    .encode({
      irVersion,
      producerName: 'freeface',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name: graph.name,
        node: graph.nodes.map(nodeMessage),
        initializer: graph.constants.map(tensorMessage),
        input: graph.inputs.map(valueMessage),
        output: graph.outputs.map(valueMessage),
      },
    })
    .finish();
}

const nodeMessage = (node: OnnxNode) => ({
  name: node.output,
  opType: node.operator,
  input: node.inputs,
  output: [node.output],
  attribute: Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value)),
});

function attributeMessage(name: string, value: AttributeValue) {
  if (typeof value === 'number') return { name, type: attributeType.int, i: value };
  if (typeof value === 'string') return { name, type: attributeType.string, s: Buffer.from(value) };
  return { name, type: attributeType.ints, ints: value };
}

const tensorMessage = (tensor: OnnxTensor) => ({
  name: tensor.name,
  dims: tensor.shape,
  dataType: tensor.data instanceof Float32Array ? elementType.float : elementType.int64,
  rawData: littleEndianBytes(tensor.data),
});

function littleEndianBytes(data: Float32Array | BigInt64Array): Buffer {
  const bytes = Buffer.alloc(data.byteLength);
  if (data instanceof Float32Array) data.forEach((value, i) => void bytes.writeFloatLE(value, i * 4));
  else data.forEach((value, i) => void bytes.writeBigInt64LE(value, i * 8));
  return bytes;
}

const valueMessage = (value: OnnxValue) => ({
  name: value.name,
  type: {
    tensorType: {
      elemType: elementType.float,
      shape: { dim: value.shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
    },
  },
});
