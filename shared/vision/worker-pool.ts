import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ExecutionProvider } from '../domain/execution-provider.ts';

/**
 * Threads that run networks.
 *
 * [Note: Inputs go round]
 * A photo's inputs are two megabytes. Made anew for each they cost a third of a millisecond of an answer of 25, since the allocator gives such
 * blocks back to the system at once (see shared/runtime/allocator.ts) and gets them as pages that have to be emptied. So a thread sends an
 * input back with its answer, and a few are kept for whoever needs one of that length.
 *
 * [Note: Networks run in threads of their own]
 * onnxruntime-node's `run` returns a promise but works on the calling thread: a 1280 x 1280 detection kept the event loop
 * for 100 to 158 ms. So each core gets a worker thread with its own copy of every network and one intra-op thread; a hop
 * there and back costs 0.3 to 0.5 ms. Buffers are transferred, not copied. Batches bring nothing on a CPU (5.0 ms for
 * one face, 38.7 for eight), so faces are spread over the threads instead. Each session has a
 * memory arena, or a quarter of a detector's run would be the kernel handing out and taking back pages; after a big input it is
 * emptied, so that resident memory does not grow with the biggest photo seen. Spinning would cost double on a busy machine. The runtime reads
 * the files itself (handing it their bytes kept 107 MB more resident for the default pack), and plans no memory ahead (80 MB more after a crowd).
 * A thread of the default pack keeps about 55 MB: the idle server has 212 MB with one, 267 with two, 383 with four, 600 with eight. So
 * no more than four are taken unasked, and it stays below 400 MB however many cores there are; FREEFACE_THREADS asks for more.
 *
 * [Note: The same numbers from a graphics card]
 * All networks of the two packs were run by `webgpu` on Vulkan in software: embeddings differ from the processor's by 6e-6 at most,
 * what detectors and landmarkers put out by 1e-4. So templates made on the one are found by the other, and a pack has one calibration.
 * How fast a real card is was not measured.
 */
export interface WorkerPool {
  readonly size: number;
  /**
   * Loads an ONNX file into every thread; resolves to its handle. It is read again when a thread must be replaced. Rejects where the
   * provider cannot be had, or cannot run it, with an Error that names the setting.
   */
  load(path: string): Promise<number>;
  /** Room for an input of so many numbers; they may be anything. */
  input(length: number): Float32Array<ArrayBuffer>;
  /** Runs it on the first free thread, in the order asked for. See Network.run. */
  run(model: number, data: Float32Array<ArrayBuffer>, dims: readonly number[], options?: RunOptions): Promise<Outputs>;
  /** Resolves when every thread has ended; what is under way rejects. */
  close(): Promise<void>;
}

export interface RunOptions {
  /** Rejects with its reason when it aborts before the run starts; a run that has started is not interrupted. */
  readonly signal?: AbortSignal | undefined;
}

/** Row-major numbers of one output. */
export interface Values {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** By output name. */
export type Outputs = Readonly<Record<string, Values>>;

export interface PoolOptions {
  /** Threads; default one per core, at most `mostUnasked`, or one for anything but `cpu`. */
  readonly size?: number | undefined;
  /** Default `cpu`. */
  readonly provider?: ExecutionProvider | undefined;
}

const mostUnasked = 4;
/** Inputs kept for the next run, for each thread. */
const sparesPerThread = 4;
/** Longer inputs are not kept, and the arena is emptied after them. */
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
  /** Jobs for this thread alone, before the common ones: loading models. */
  readonly own: Job[];
  loaded: boolean;
}

export function openWorkerPool(options: PoolOptions = {}): WorkerPool {
  const { provider = 'cpu' } = options;
  const size = options.size ?? (provider === 'cpu' ? Math.min(availableParallelism(), mostUnasked) : 1);
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

  /** A thread died, e.g. out of memory: what it worked on fails, another takes its place. */
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
 * What a thread runs. A string, so that it needs no file of its own beside a bundle; CommonJS, because that is what an
 * evaluated worker is. Networks here have one input.
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
