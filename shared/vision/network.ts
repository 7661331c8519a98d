import { lazy } from '../function/lazy.ts';
import type { ModelFile } from './pack.ts';
import { sha256OfFile } from './weights/files.ts';
import type { Outputs, RunOptions, WorkerPool } from './worker-pool.ts';

/** A network with one input, run by onnxruntime. */
export interface Network {
  /** Loads the network before its first run. Errors: ModelFileError; Error when onnxruntime cannot load the file. */
  ready(): Promise<void>;
  /** Returns an array of `length` numbers for an input. Its content is undefined. See: [Note: Reused input buffers] */
  input(length: number): Float32Array<ArrayBuffer>;
  /**
   * Runs the network once and returns its outputs by name. `data` is row-major with the shape `dims`. Its buffer is transferred to
   * the worker thread, so the caller cannot use it afterwards. Errors: those of `ready`; the reason of the signal when it aborts
   * before the run starts; Error when onnxruntime rejects the input, or the pool is closed.
   */
  run(data: Float32Array<ArrayBuffer>, dims: readonly number[], options?: RunOptions): Promise<Outputs>;
}

/** The model file is missing, or its SHA-256 is wrong. */
class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
}

/**
 * Opens a network from the model file at `path`. The first run verifies the SHA-256 of the file and loads it into every thread of
 * `pool`. After a failure, the next run tries again.
 */
export function openNetwork(pool: WorkerPool, path: string, file: Pick<ModelFile, 'sha256' | 'bytes'>): Network {
  const open = lazy(async () => {
    await verify(path, file);
    return pool.load(path);
  });

  return {
    ready: async () => void (await open()),
    input: (length) => pool.input(length),
    async run(data, dims, options = {}) {
      return pool.run(await open(), data, dims, options);
    },
  };
}

async function verify(path: string, file: Pick<ModelFile, 'sha256' | 'bytes'>): Promise<void> {
  const digest = await sha256OfFile(path).catch((cause: unknown) => {
    throw new ModelFileError(`The model file ${path} cannot be read; run \`npm run models\`.`, { cause });
  });
  if (digest !== file.sha256) {
    throw new ModelFileError(
      `The model file ${path} has SHA-256 ${digest}, expected ${file.sha256} (${file.bytes} bytes).`,
    );
  }
}
