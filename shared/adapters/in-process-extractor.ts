import type { ExecutionProvider } from '../domain/execution-provider.ts';
import { decoding } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { Extraction, Extractor, PackDescription } from '../ports/extractor.ts';
import type { Logger } from '../telemetry/log.ts';
import { decodeOpened, openImage, prepareDecoding } from '../vision/decode.ts';
import { openDecodingQueue } from '../vision/decoding-queue.ts';
import { describePack } from '../vision/describe.ts';
import { openNetwork } from '../vision/network.ts';
import { type Component, hasOwnCalibration } from '../vision/pack.ts';
import { findFaces, type Parts } from '../vision/pipeline.ts';
import { detectors, embedders, landmarkers } from '../vision/registry.ts';
import { renderOpened } from '../vision/render.ts';
import { verifyPack } from '../vision/weights/verify.ts';
import { openWorkerPool, type WorkerPool } from '../vision/worker-pool.ts';

export interface ExtractorOptions {
  /** Names of model packs; the first is the default. */
  readonly packs: readonly string[];
  /** The repository's `models` folder: catalogue and calibrations. */
  readonly modelsDir: string;
  /** Its `models` folder contains the weights. */
  readonly dataDir: string;
  /** Limits of one image; defaults in `decoding`. */
  readonly maxImageBytes?: number | undefined;
  readonly maxImagePixels?: number | undefined;
  /** The device that runs the networks; default `cpu`. */
  readonly executionProvider?: ExecutionProvider | undefined;
  /** Network threads; see PoolOptions.size. */
  readonly threads?: number | null | undefined;
  /** Gets one warning for each pack that uses the calibration of another pack. */
  readonly log?: Pick<Logger, 'warn'> | undefined;
}

/**
 * Extracts faces in this process. A pack is loaded on its first use. Limits: two photos per thread at once, a limit for the memory of all
 * decoding, and a full queue rejects with BUSY. Errors of loading are those of verifyPack; the next call tries again.
 */
export function openExtractor(options: ExtractorOptions): Extractor {
  const pool = openWorkerPool({ provider: options.executionProvider, size: options.threads ?? undefined });
  const { maxImageBytes: maxBytes = decoding.maxBytes, maxImagePixels: maxPixels = decoding.maxPixels } = options;
  const limits = { maxBytes, maxPixels, maxMemory: decoding.maxMemory };
  const queue = openDecodingQueue(pool.size);
  const opened = new Map<string, Promise<OpenPack>>();

  function packOf(name: string | undefined): Promise<OpenPack> {
    const wanted = name ?? options.packs[0];
    if (wanted === undefined || !options.packs.includes(wanted)) {
      const message = `No model pack ${JSON.stringify(wanted)} is loaded; there are ${options.packs.join(', ')}.`;
      return Promise.reject(new AppError('STRATEGY_UNAVAILABLE', { message }));
    }
    let pack = opened.get(wanted);
    if (!pack) {
      pack = openPack(wanted, options, pool).catch((error: unknown) => {
        opened.delete(wanted);
        throw error;
      });
      opened.set(wanted, pack);
    }
    return pack;
  }

  return {
    async extract(bytes, { pack, embed = true, purpose = 'probe', onDecoded, signal } = {}) {
      const { description, parts } = await packOf(pack);
      const opened = await openImage(bytes, limits);
      return await queue.run(opened, bytes.length, signal, async (memory): Promise<Extraction> => {
        const decoded = await decodeOpened(opened, { memory, signal });
        signal?.throwIfAborted();
        onDecoded?.();
        const { faces, leftOut } = await findFaces(decoded, parts, { embed, purpose, signal });
        const { pack: name, space, dimension } = description;
        return { image: decoded.facts, model: { pack: name, space, dimension }, faces, facesLeftOut: leftOut };
      });
    },
    async render(bytes, renderOptions) {
      const opened = await openImage(bytes, limits);
      return await queue.run(opened, bytes.length, renderOptions.signal, (memory) =>
        renderOpened(opened, renderOptions, { memory }),
      );
    },
    describe: async (pack) => (await packOf(pack)).description,
    ready: async () => void (await Promise.all([packOf(undefined), prepareDecoding()])),
    close: () => pool.close(),
  };
}

interface OpenPack {
  readonly description: PackDescription;
  readonly parts: Parts;
}

async function openPack(name: string, options: ExtractorOptions, pool: WorkerPool): Promise<OpenPack> {
  const pack = await verifyPack(name, options);
  const description = await describePack(pack, options.modelsDir);
  if (!hasOwnCalibration(pack)) {
    const borrowed = { pack: name, calibration: pack.calibration };
    options.log?.warn(
      borrowed,
      'this pack uses the calibration of another pack: its error rates and similarities were not measured',
    );
  }
  const network = ({ file }: Component) => openNetwork(pool, file.path, file);
  const networks = {
    detector: network(pack.detector),
    secondDetector: pack.secondDetector && network(pack.secondDetector),
    landmarker: pack.landmarker && network(pack.landmarker),
    embedder: network(pack.embedder),
  };
  // One after another, the large ones last: so the allocator keeps less unused memory.
  for (const opening of [networks.detector, networks.landmarker, networks.embedder, networks.secondDetector])
    await opening?.ready();
  const { detector, secondDetector, landmarker, embedder } = pack;
  const parts: Parts = {
    detector: kind(detectors, detector)({ network: networks.detector, options: detector.options }),
    secondDetector:
      secondDetector && networks.secondDetector
        ? kind(detectors, secondDetector)({ network: networks.secondDetector, options: secondDetector.options })
        : null,
    landmarker:
      landmarker && networks.landmarker
        ? kind(landmarkers, landmarker)({ network: networks.landmarker, options: landmarker.options })
        : null,
    alignment: pack.alignment,
    embedder: kind(
      embedders,
      embedder,
    )({ network: networks.embedder, options: embedder.options, dimension: embedder.dimension }),
  };
  return { parts, description };
}

function kind<Open>(registry: Readonly<Record<string, Open>>, component: Component): Open {
  const open = registry[component.kind];
  if (!open)
    throw new Error(`The kind ${component.kind} is unknown; known kinds are ${Object.keys(registry).join(', ')}.`);
  return open;
}
