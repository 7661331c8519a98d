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
  /** Time limit of one extraction with its retry, in milliseconds. Default 60,000: the function may have to start first. */
  readonly timeoutMs?: number;
}

/**
 * Calls the function extract-faces. The request is a CloudEvent with the image as its raw body. The reply event has the faces.
 *
 * [Note: Work that stays with the caller]
 * Detection and embedding need the networks, so the extractor does them. This process renders images with sharp, and reads the
 * description of a pack from the catalogue. So neither starts an extractor that is scaled to zero.
 */
export async function openExtractorClient(options: ExtractorClientOptions): Promise<Extractor> {
  const { extractorUrl, packs, modelsDir, timeoutMs = 60_000 } = options;
  const { maxImageBytes: maxBytes = decoding.maxBytes, maxImagePixels: maxPixels = decoding.maxPixels } = options;
  const calls = storeCalls({ store: 'extractor', timeoutMs });
  const queue = openDecodingQueue(1);
  const described = new Map<string, Promise<PackDescription>>();

  const describe = async (name = packs[0]): Promise<PackDescription> => {
    if (name === undefined || !packs.includes(name)) {
      const message = `The model pack ${JSON.stringify(name)} is not loaded; the loaded packs are ${packs.join(', ')}.`;
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
        const extraction = await request(extractorUrl, bytes, { ...extractOptions, pack, signal });
        extractOptions.onDecoded?.();
        return extraction;
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

async function request(
  url: string,
  bytes: Uint8Array,
  options: ExtractOptions & { signal: AbortSignal },
): Promise<Extraction> {
  const { pack, purpose = 'probe', embed = true, signal } = options;
  const init = {
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
  // An extraction changes nothing, so it is retried once when the connection breaks.
  const response = await fetch(url, init).catch((error: unknown) => {
    if (signal.aborted || !wasCutOff(error)) throw error;
    return fetch(url, init).catch((again: unknown) => {
      if (signal.aborted || !wasCutOff(again)) throw again;
      const cause = new CutOff('the connection broke twice', { cause: again });
      throw new AppError('STORE_UNAVAILABLE', { message: 'extractor: the connection broke twice', cause });
    });
  });
  if (response.status === 200) return parsed(await response.json());
  await response.body?.cancel();
  throw refusal(response);
}

/** Whether the other side closed the connection, for example because an instance was stopped. */
function wasCutOff(error: unknown): boolean {
  const { code } = (error as { cause?: { code?: string } }).cause ?? {};
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function refusal(response: Response): AppError {
  const code = response.headers.get(errorCodeHeader);
  const retryAfter = Number(response.headers.get('retry-after')) || 1;
  if (code === 'BUSY') return new AppError('BUSY', { retryAfter });
  if (code !== null && Object.hasOwn(errorTable, code)) return new AppError(code as ErrorCode);
  const message = `extractor: the response has status ${response.status}`;
  // A proxy before the function can send 429 as well.
  return response.status === 429
    ? new AppError('BUSY', { message, retryAfter })
    : new AppError('STORE_UNAVAILABLE', { message });
}

type WireFace = Omit<ExtractedFace, 'embedding'> & { readonly embedding?: string };

/** The response has each embedding as base64 of little-endian float32. */
const parsed = (body: unknown): Extraction => {
  // An extractor of an earlier version has no limit, and does not send `facesLeftOut`.
  const {
    faces,
    facesLeftOut = 0,
    ...rest
  } = body as Omit<Extraction, 'faces' | 'facesLeftOut'> & {
    readonly faces: readonly WireFace[];
    readonly facesLeftOut?: number;
  };
  return {
    ...rest,
    facesLeftOut,
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
