import { AppError } from '../errors.ts';

/** Image formats that are recognised by their first bytes. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'tiff' | 'heic';

/**
 * Returns the format of an image file. File names and headers of the request are ignored. Vector formats are refused, so an SVG or a
 * PDF is never interpreted. Errors: EMPTY_IMAGE for no bytes; UNSUPPORTED_IMAGE for any other content, with the name of the format
 * if it is known.
 */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new AppError('EMPTY_IMAGE');
  for (const [format, offset, signature] of signatures) if (matches(bytes, offset, signature)) return format;
  const container = bytes.length >= 12 && matches(bytes, 4, 'ftyp') ? isoFormat(bytes) : null;
  if (container) return container;
  const unsupported = unsupportedFormats.find(([, offset, signature]) => matches(bytes, offset, signature))?.[0];
  throw new AppError('UNSUPPORTED_IMAGE', {
    message: `${unsupported ? `This is ${unsupported}; it` : 'The file'} cannot be read as an image. Send ${supported}.`,
  });
}

/** The formats to recommend in an error message. */
export const supported = 'JPEG, HEIC, PNG, WebP, GIF, AVIF or TIFF';

/** The MIME type of the format. */
export const contentTypeOf = (format: ImageFormat): string => `image/${format}`;

const signatures: readonly (readonly [ImageFormat, number, string])[] = [
  ['jpeg', 0, '\xff\xd8\xff'],
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
  ['webp', 8, 'WEBP'],
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['tiff', 0, 'II+\0'],
  ['tiff', 0, 'MM\0+'],
];

const unsupportedFormats: readonly (readonly [string, number, string])[] = [
  ['a BMP image', 0, 'BM'],
  ['a Windows icon', 0, '\0\0\x01\0'],
  ['a Photoshop document', 0, '8BPS'],
  ['a PDF document', 0, '%PDF'],
  ['an SVG or XML document', 0, '<?xml'],
  ['an SVG drawing', 0, '<svg'],
  ['a JPEG XL image', 0, '\xff\x0a'],
  ['a JPEG XL image', 4, 'JXL '],
  ['a JPEG 2000 image', 4, 'jP  '],
  ['a video', 4, 'ftyp'],
  ['a ZIP archive', 0, 'PK\x03\x04'],
];

/** AVIF and HEIC share a container and differ in its brands. `mif1` only means a still image, so all brands are read. */
function isoFormat(bytes: Uint8Array): ImageFormat | null {
  const length = Math.min(new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0), bytes.length, 256);
  const brands = new Set<string>([latin(bytes, 8, 4)]);
  for (let offset = 16; offset + 4 <= length; offset += 4) brands.add(latin(bytes, offset, 4));
  if (brands.has('avif') || brands.has('avis')) return 'avif';
  return ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'].some((brand) => brands.has(brand))
    ? 'heic'
    : null;
}

/**
 * The bytes for sharp. libvips recognises an AVIF by its major brand and does not know `avis`, the brand of a sequence; the file also
 * contains a still picture, its first frame. Returns a copy with the brand `avif` for such a file, otherwise `bytes`.
 */
export function sharpBytes(format: ImageFormat, bytes: Uint8Array): Uint8Array {
  if (format !== 'avif' || matches(bytes, 8, 'avif')) return bytes;
  const still = Uint8Array.from(bytes);
  still.set(Buffer.from('avif'), 8);
  return still;
}

function matches(bytes: Uint8Array, offset: number, signature: string): boolean {
  if (bytes.length < offset + signature.length) return false;
  for (let i = 0; i < signature.length; i++) if (bytes[offset + i] !== signature.charCodeAt(i)) return false;
  return true;
}

const latin = (bytes: Uint8Array, offset: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(offset, offset + length));
