import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';

/** A dense array in row-major order. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Weights by name. `get` throws an Error for an unknown name. */
export interface Weights {
  get(name: string): Tensor;
  readonly names: readonly string[];
}

const bytesPerValue = { float32: 4, int32: 4, uint8: 1, uint16: 2 } as const;

const weightSchema = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.enum(['float32', 'int32']),
  quantization: z.object({ dtype: z.enum(['uint8', 'uint16']), scale: z.number(), min: z.number() }).optional(),
});
const manifestSchema = z.array(z.object({ paths: z.array(z.string()), weights: z.array(weightSchema) }));
type WeightEntry = z.infer<typeof weightSchema>;

/**
 * Reads the weights of a TFJS weight manifest: groups of `{paths, weights}`. Their .bin files are in the folder of `manifestPath`.
 * Quantised weights are converted to numbers: raw × scale + min. Errors: ZodError for a wrong manifest; Error for missing or extra
 * bytes; those of reading the files.
 */
export async function readTfjsWeights(manifestPath: string, manifest: unknown): Promise<Weights> {
  const tensors = new Map<string, Tensor>();
  for (const group of manifestSchema.parse(manifest)) {
    const files = await Promise.all(group.paths.map((path) => readFile(join(dirname(manifestPath), path))));
    const bytes = Buffer.concat(files);
    let offset = 0;
    for (const entry of group.weights) {
      const count = entry.shape.reduce((product, size) => product * size, 1);
      const end = offset + count * bytesPerValue[entry.quantization?.dtype ?? entry.dtype];
      if (end > bytes.length) throw new Error(`${manifestPath}: the weight ${entry.name} is truncated`);
      tensors.set(entry.name, { shape: entry.shape, data: decode(bytes.subarray(offset, end), count, entry) });
      offset = end;
    }
    if (offset !== bytes.length)
      throw new Error(`${manifestPath}: ${bytes.length - offset} bytes follow the last weight`);
  }
  return {
    names: [...tensors.keys()],
    get(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`${manifestPath} has no weight ${name}`);
      return tensor;
    },
  };
}

function decode(bytes: Buffer, count: number, { dtype, quantization }: WeightEntry): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    if (quantization) {
      const raw = quantization.dtype === 'uint8' ? bytes.readUInt8(i) : bytes.readUInt16LE(i * 2);
      values[i] = raw * quantization.scale + quantization.min;
    } else {
      values[i] = dtype === 'float32' ? bytes.readFloatLE(i * 4) : bytes.readInt32LE(i * 4);
    }
  }
  return values;
}
