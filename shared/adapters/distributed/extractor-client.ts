import { randomUUID } from 'node:crypto';
import { decoding } from '../../domain/tuning.ts';
import { AppError, type ErrorCode, errorTable } from '../../errors.ts';
import {
  CutOff,
  type ExtractedFace,
  type Extraction,
  type ExtractOptions,
  type Extractor,
  errorCodeHeader,
  type PackDescription,
} from '../../ports/extractor.ts';
import { openDecodingQueue } from '../../vision/decoding-queue.ts';
import { describePack } from '../../vision/describe.ts';
import { findPack } from '../../vision/weights/packs.ts';
import { storeCalls } from './store-calls.ts';

export interface ExtractorClientOptions {
  readonly extractorUrl: string;
  readonly packs: readonly string[];
  readonly modelsDir: string;
  readonly dataDir: string;
  readonly maxImageBytes?: number;
  readonly maxImagePixels?: number;
  /** One extraction with its repetition may take this long. Default 60,000: the function may have to start first. */
  readonly timeoutMs?: number;
}

/**
 * Asks the function extract-faces: an image as the raw body of a CloudEvent, the faces as the event that answers.
 *
 * [Note: What stays with the caller]
 * Detecting and embedding need the networks and go out. Pictures for people are drawn here, by sharp alone, and what a pack is
 * stands in the catalogue, so that neither wakes an extractor that has gone to sleep.
 */
export async function openExtractorClient(options: ExtractorClientOptions): Promise<Extractor> {
  const { extractorUrl, packs, modelsDir, timeoutMs = 60_000 } = options;
  const { maxImageBytes: maxBytes = decoding.maxBytes, maxImagePixels: maxPixels = decoding.maxPixels } = options;
  const calls = storeCalls({ store: 'extractor', timeoutMs });
  const queue = openDecodingQueue(1);
  const described = new Map<string, Promise<PackDescription>>();

  const describe = async (name = packs[0]): Promise<PackDescription> => {
    if (name === undefined || !packs.includes(name)) {
      const message = `No model pack ${JSON.stringify(name)} is loaded; there are ${packs.join(', ')}.`;
      throw new AppError('STRATEGY_UNAVAILABLE', { message });
    }
    const known = described.get(name) ?? findPack(name, options).then((pack) => describePack(pack, modelsDir));
    described.set(name, known);
    known.catch(() => described.delete(name));
    return await known;
  };

  return {
    async extract(bytes, extractOptions = {}) {
      const { pack } = await describe(extractOptions.pack);
      if (bytes.length > maxBytes) throw new AppError('IMAGE_TOO_LARGE');
      return await calls.run(extractOptions, async (signal) => {
        const answer = await ask(extractorUrl, bytes, { ...extractOptions, pack, signal });
        extractOptions.onDecoded?.();
        return answer;
      });
    },
    render: (bytes, renderOptions) =>
      calls.run(renderOptions, async () => {
        const [{ openImage }, { renderOpened }] = await Promise.all([
          import('../../vision/decode.ts'),
          import('../../vision/render.ts'),
        ]);
        const opened = await openImage(bytes, { maxBytes, maxPixels, maxMemory: decoding.maxMemory });
        return await queue.run(opened, bytes.length, renderOptions.signal, (memory) =>
          renderOpened(opened, renderOptions, { memory }),
        );
      }),
    describe,
    ready: async () => void (await describe()),
    close: () => calls.close(() => undefined),
  };
}

async function ask(
  url: string,
  bytes: Uint8Array,
  options: ExtractOptions & { signal: AbortSignal },
): Promise<Extraction> {
  const { pack, purpose = 'probe', embed = true, signal } = options;
  const request = {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      'ce-specversion': '1.0',
      'ce-id': randomUUID(),
      'ce-source': '/freeface',
      'ce-type': 'freeface.image.extract.v1',
      'ce-purpose': purpose,
      'ce-embed': String(embed),
      ...(pack === undefined ? {} : { 'ce-pack': pack }),
    },
    body: bytes,
    signal,
  };
  // An extraction changes nothing, so one that was cut off is asked for again.
  const response = await fetch(url, request).catch((error: unknown) => {
    if (signal.aborted || !wasCutOff(error)) throw error;
    return fetch(url, request).catch((again: unknown) => {
      if (signal.aborted || !wasCutOff(again)) throw again;
      const cause = new CutOff('the connection was cut off twice', { cause: again });
      throw new AppError('STORE_UNAVAILABLE', { message: 'extractor: cut off', cause });
    });
  });
  if (response.status === 200) return parsed(await response.json());
  await response.body?.cancel();
  throw refusal(response);
}

/** The connection had been closed by the other side, as happens when an instance goes away. */
function wasCutOff(error: unknown): boolean {
  const { code } = (error as { cause?: { code?: string } }).cause ?? {};
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function refusal(response: Response): AppError {
  const code = response.headers.get(errorCodeHeader);
  const retryAfter = Number(response.headers.get('retry-after')) || 1;
  if (code === 'BUSY') return new AppError('BUSY', { retryAfter });
  if (code !== null && Object.hasOwn(errorTable, code)) return new AppError(code as ErrorCode);
  const message = `extractor: answered ${response.status}`;
  // Whoever stands before the function may shed as well.
  return response.status === 429
    ? new AppError('BUSY', { message, retryAfter })
    : new AppError('STORE_UNAVAILABLE', { message });
}

type WireFace = Omit<ExtractedFace, 'embedding'> & { readonly embedding?: string };

/** Embeddings travel as base64 of little-endian float32. */
const parsed = (answer: unknown): Extraction => {
  const { faces, ...rest } = answer as Omit<Extraction, 'faces'> & { readonly faces: readonly WireFace[] };
  return {
    ...rest,
    faces: faces.map(({ embedding, ...face }) =>
      embedding === undefined ? face : { ...face, embedding: floatsOf(Buffer.from(embedding, 'base64')) },
    ),
  };
};

function floatsOf(bytes: Buffer): Float32Array {
  const floats = new Float32Array(bytes.length / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(floats.buffer).set(bytes);
  return floats;
}
