import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Config } from '../../shared/config.ts';
import type { EmbeddingPurpose } from '../../shared/ports/extractor.ts';
import { decodeImage } from '../../shared/vision/decode.ts';
import { type Network, openNetwork } from '../../shared/vision/network.ts';
import type { Component } from '../../shared/vision/pack.ts';
import { findFaces, type Parts } from '../../shared/vision/pipeline.ts';
import { detectors, embedders, landmarkers } from '../../shared/vision/registry.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';
import { openWorkerPool } from '../../shared/vision/worker-pool.ts';

/** Measures the time of the networks alone for a photo: no response can be faster. */
export interface BareRuns {
  /** The runs that the pipeline makes for this photo and purpose, with their inputs. */
  record(photo: Uint8Array, purpose?: EmbeddingPurpose): Promise<readonly BareRun[]>;
  /** Runs the networks again, one after another, without any other code, on one thread. Resolves to milliseconds. */
  replay(runs: readonly BareRun[]): Promise<number>;
  close(): Promise<void>;
}

export interface BareRun {
  readonly file: string;
  readonly data: Float32Array<ArrayBuffer>;
  readonly dims: readonly number[];
}

/**
 * [Note: The lower bound of a response time]
 * The runs are recorded where the pipeline starts them, at the border of the ONNX layer. So a second pass or a second detector counts as
 * model time. They are replayed on separate sessions, with one thread and without spinning.
 */
export async function openBareRuns({ packs, dataDir, modelsDir }: Config): Promise<BareRuns> {
  const pack = await ensurePack(packs[0]!, { dataDir, modelsDir });
  const pool = openWorkerPool({ size: 1 });
  const sessions = new Map<string, InferenceSession>();
  let taken: BareRun[] = [];

  async function recorded({ file }: Component): Promise<Network> {
    const network = openNetwork(pool, file.path, file);
    sessions.set(file.path, await InferenceSession.create(await readFile(file.path), sessionOptions));
    return {
      ready: () => network.ready(),
      input: (length) => network.input(length),
      run(data, dims, options) {
        taken.push({ file: file.path, data: data.slice(), dims });
        return network.run(data, dims, options);
      },
    };
  }

  const part = async <Open, Made>(
    registry: Readonly<Record<string, Open>>,
    component: Component,
    make: (open: Open, network: Network) => Made,
  ) => make(registry[component.kind]!, await recorded(component));
  const { detector, secondDetector, landmarker, embedder } = pack;
  const { dimension } = embedder;
  const parts: Parts = {
    detector: await part(detectors, detector, (open, network) => open({ network, options: detector.options })),
    secondDetector:
      secondDetector &&
      (await part(detectors, secondDetector, (open, network) => open({ network, options: secondDetector.options }))),
    landmarker:
      landmarker &&
      (await part(landmarkers, landmarker, (open, network) => open({ network, options: landmarker.options }))),
    alignment: pack.alignment,
    embedder: await part(embedders, embedder, (open, network) =>
      open({ network, options: embedder.options, dimension }),
    ),
  };
  return {
    async record(photo, purpose = 'probe') {
      taken = [];
      await findFaces(await decodeImage(photo), parts, { embed: true, purpose });
      return taken;
    },
    async replay(runs) {
      const began = performance.now();
      for (const { file, data, dims } of runs) {
        const session = sessions.get(file)!;
        await session.run({ [session.inputNames[0]!]: new Tensor('float32', data, dims) });
      }
      return performance.now() - began;
    },
    close: () => pool.close(),
  };
}

const sessionOptions: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
};
