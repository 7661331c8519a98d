import type { ModelFile } from './pack.ts';
import { sha256OfFile } from './weights/files.ts';
import type { Outputs, RunOptions, WorkerPool } from './worker-pool.ts';

/**
 * One network, run by onnxruntime. Typed arrays in, typed arrays out; nothing here knows what a face is.
 */
export interface Network {
  /** Loads it ahead of the first run. */
  ready(): Promise<void>;
  /** Room for an input of so many numbers; they may be anything. See: [Note: Inputs go round] */
  input(length: number): Float32Array<ArrayBuffer>;
  /**
   * Runs the network once. `data` (row-major, `dims` long) is handed over: its buffer is detached. Rejects with the signal's reason when it aborts before the run starts.
   */
  run(data: Float32Array<ArrayBuffer>, dims: readonly number[], options?: RunOptions): Promise<Outputs>;
}

/** `file` did not hold what the catalogue says. */
class ModelFileError extends Error {
  override readonly name = 'ModelFileError';
}

/**
 * Reads and verifies `file`, and loads it into every thread of `pool` when it is run for the first time. A failure is
 * forgotten, so that the next run tries again. Errors: ModelFileError for a missing file or one with another SHA-256.
 */
export function openNetwork(pool: WorkerPool, path: string, file: Pick<ModelFile, 'sha256' | 'bytes'>): Network {
  let opening: Promise<number> | undefined;
  const open = () => {
    opening ??= load().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const load = async () => {
    await verify(path, file);
    return pool.load(path);
  };

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
