import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ExecutionProvider } from '../domain/execution-provider.ts';

/**
 * Worker threads that run networks.
 *
 * [Note: Reused input buffers]
 * The inputs of one photo have two megabytes. To allocate them for each photo costs a third of a millisecond of a response of 25 ms,
 * because the allocator returns such blocks to the system at once (see shared/runtime/allocator.ts), and the kernel must clear the
 * pages again. So a thread returns the input with its reply, and the pool keeps a few inputs for the next runs with the same length.
 *
 * [Note: Networks run in worker threads]
 * `run` of onnxruntime-node returns a promise but works on the calling thread: a 1280 x 1280 detection blocked the event loop for 100
 * to 158 ms. So each core gets a worker thread with its own copy of every network and one intra-op thread. One round trip costs 0.3
 * to 0.5 ms; buffers are transferred, not copied.
 * - Batches save no time on a CPU (5.0 ms for one face, 38.7 ms for eight), so faces are spread over the threads instead.
 * - Each session has a memory arena. Without it, a quarter of a detector's run is the kernel mapping and unmapping pages. The arena is
 *   emptied after a big input, so resident memory does not grow with the biggest photo.
 * - Spinning is off: it costs double on a busy machine.
 * - The runtime reads the model files. When it received their bytes instead, the default pack kept 107 MB more resident.
 * - Memory patterns are off: they keep 80 MB more after a photo of a crowd.
 * - A thread with the default pack keeps about 55 MB. The idle server has 212 MB with one thread, 267 with two, 383 with four, 600 with
 *   eight. So the default is at most four threads, and the server stays below 400 MB on any number of cores. FREEFACE_THREADS sets more.
 *
 * [Note: CPU and GPU results agree]
 * All networks of the two packs were run with `webgpu` on a software Vulkan device. Embeddings differ from those of the CPU by at most
 * 6e-6, outputs of detectors and landmarkers by at most 1e-4. So probes and templates of both can be compared, and a pack has one
 * calibration. The speed of a real graphics card was not measured.
 */
export interface WorkerPool {
  /** Number of threads. */
  readonly size: number;
  /**
   * Loads an ONNX file into every thread and returns its handle. The file must stay: a thread that replaces a dead one reads it again.
   * Errors: Error when the file is no network; Error that names the setting when the execution provider is not available or cannot
   * run the network.
   */
  load(path: string): Promise<number>;
  /** Returns an array of `length` numbers for an input. Its content is undefined. */
  input(length: number): Float32Array<ArrayBuffer>;
  /** Runs the network `model` (a handle) on the first free thread, in the order of the calls. See: Network.run */
  run(model: number, data: Float32Array<ArrayBuffer>, dims: readonly number[], options?: RunOptions): Promise<Outputs>;
  /** Ends all threads and resolves when they have ended. Waiting and running jobs reject. */
  close(): Promise<void>;
}

export interface RunOptions {
  /** The run rejects with its reason when it aborts before the run starts. A run that has started is not interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/** One output of a network: row-major numbers with the shape `dims`. */
export interface Values {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Outputs of a network by name. */
export type Outputs = Readonly<Record<string, Values>>;

export interface PoolOptions {
  /** Number of threads. Default: one per core, at most `mostByDefault`; one for a provider other than `cpu`. */
  readonly size?: number | undefined;
  /** Default `cpu`. */
  readonly provider?: ExecutionProvider | undefined;
}

/** Largest default number of threads. */
const mostByDefault = 4;
/** Inputs that are kept for the next runs, for each thread. */
const sparesPerThread = 4;
/** Numbers in an input. Longer inputs are not kept, and the arena is emptied after them. */
const bigInput = 3 * 320 * 320;

interface Job {
  readonly message: Readonly<Record<string, unknown>>;
  readonly transfer: ArrayBuffer[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

interface Reply {
  readonly outputs?: Outputs;
  readonly input?: Float32Array<ArrayBuffer>;
  readonly error?: string;
}

interface Thread {
  readonly worker: Worker;
  job: Job | null;
  /** Jobs for this thread only: loading models. They run before the jobs of the common queue. */
  readonly own: Job[];
  loaded: boolean;
}

/** Starts the threads. They do not keep the process alive while they are idle. */
export function openWorkerPool(options: PoolOptions = {}): WorkerPool {
  const { provider = 'cpu' } = options;
  const size = options.size ?? (provider === 'cpu' ? Math.min(availableParallelism(), mostByDefault) : 1);
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const paths: string[] = [];
  const queue: Job[] = [];
  const spares: Float32Array<ArrayBuffer>[] = [];
  let closed = false;
  let threads = Array.from({ length: size }, () => startThread());

  function startThread(): Thread {
    const worker = new Worker(threadSource, { eval: true, workerData: { runtime, provider }, name: 'network' });
    const thread: Thread = { worker, job: null, own: [], loaded: true };
    worker.on('message', (reply: Reply) => finish(thread, reply));
    worker.on('error', (error) => replace(thread, error));
    worker.on('exit', () => replace(thread, new Error('A network thread ended.')));
    worker.unref();
    return thread;
  }

  function finish(thread: Thread, reply: Reply): void {
    const job = thread.job;
    thread.job = null;
    thread.worker.unref();
    if (reply.input !== undefined && reply.input.length <= bigInput) {
      spares.push(reply.input);
      if (spares.length > sparesPerThread * size) spares.shift();
    }
    if (reply.error === undefined) job?.resolve(reply);
    else job?.reject(new Error(reply.error));
    dispatch();
  }

  /** Handles the death of a thread, e.g. out of memory: its jobs fail, and a new thread replaces it. */
  function replace(thread: Thread, error: Error): void {
    const index = threads.indexOf(thread);
    if (index < 0) return;
    for (const job of thread.job ? [thread.job, ...thread.own] : thread.own) job.reject(error);
    if (closed) return;
    const successor = startThread();
    threads = threads.with(index, successor);
    successor.loaded = false;
    Promise.all(paths.map((path, id) => loadInto(successor, id, path))).then(
      () => {
        successor.loaded = true;
        dispatch();
      },
      (cause: unknown) => {
        threads = threads.filter((other) => other !== successor);
        void successor.worker.terminate();
        if (threads.length === 0) failAll(new Error('No network thread is left.', { cause }));
      },
    );
  }

  function failAll(error: Error): void {
    for (const job of queue.splice(0)) job.reject(error);
  }

  function dispatch(): void {
    for (const thread of threads) {
      if (thread.job) continue;
      const job = thread.own.shift() ?? (thread.loaded ? nextJob() : undefined);
      if (!job) continue;
      thread.job = job;
      thread.worker.ref();
      thread.worker.postMessage(job.message, job.transfer);
    }
  }

  function nextJob(): Job | undefined {
    for (let job = queue.shift(); job; job = queue.shift()) {
      if (!job.signal?.aborted) return job;
      job.reject(job.signal.reason);
    }
    return undefined;
  }

  function loadInto(thread: Thread, id: number, path: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      thread.own.push({ message: { kind: 'load', id, path }, transfer: [], signal: undefined, resolve, reject });
      dispatch();
    });
  }

  return {
    size,
    async load(path) {
      const id = paths.push(path) - 1;
      await Promise.all(threads.map((thread) => loadInto(thread, id, path)));
      return id;
    },
    input(length) {
      const at = spares.findLastIndex((spare) => spare.length === length);
      return at < 0 ? new Float32Array(length) : spares.splice(at, 1)[0]!;
    },
    async run(model, data, dims, { signal } = {}) {
      signal?.throwIfAborted();
      if (closed || threads.length === 0) throw new Error('The network threads are closed.');
      const reply = await new Promise<Reply>((resolve, reject) => {
        queue.push({
          message: { kind: 'run', id: model, data, dims },
          transfer: [data.buffer],
          signal,
          resolve,
          reject,
        });
        dispatch();
      });
      return reply.outputs ?? {};
    },
    async close() {
      closed = true;
      failAll(new Error('The network threads are closed.'));
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

/**
 * Source of a worker thread. It is a string, so a bundle needs no extra file. It is CommonJS, because an evaluated worker is CommonJS.
 * The networks have one input.
 */
const threadSource = `'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const ort = require(workerData.runtime);
const sessions = new Map();
const options = {
  executionProviders: [workerData.provider],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  enableMemPattern: false,
  extra: { session: { intra_op: { allow_spinning: '0' }, use_device_allocator_for_initializers: '1' } },
};
const bigInput = ${bigInput};
const emptyArena = { memory: { enable_memory_arena_shrinkage: 'cpu:0' } };
async function load({ id, path }) {
  try {
    sessions.set(id, await ort.InferenceSession.create(path, options));
  } catch (error) {
    if (workerData.provider === 'cpu') throw error;
    throw new Error('FREEFACE_EXECUTION_PROVIDER=' + workerData.provider + ' cannot run the networks: ' + error.message, { cause: error });
  }
  return {};
}
async function run({ id, data, dims }) {
  const session = sessions.get(id);
  const input = { [session.inputNames[0]]: new ort.Tensor('float32', data, dims) };
  const results = await session.run(input, data.length > bigInput ? { extra: emptyArena } : {});
  const outputs = {};
  for (const [name, { data, dims }] of Object.entries(results)) outputs[name] = { data, dims };
  return { outputs, input: data };
}
parentPort.on('message', (message) => {
  (message.kind === 'load' ? load(message) : run(message)).then(
    (reply) => parentPort.postMessage(reply, reply.input ? [reply.input.buffer] : []),
    (error) => parentPort.postMessage({ error: String(error && error.message || error) }),
  );
});
`;
