import { AppError } from '../errors.ts';

/** Boxes allowed in one file, on all levels together. A grid of many tiles has some thousands. */
const mostBoxes = 20_000;

/**
 * Yields the Exif items of an AVIF or HEIC file (ISO/IEC 23008-12): the first `most` bytes of each, concatenated from its extents.
 * Skips damaged parts, which the image library refuses. Errors: IMAGE_CORRUPT when it visits more than 20,000 boxes.
 */
export function* isoExifBlocks(bytes: Buffer, most: number): Iterable<Buffer> {
  const boxesNamed = boxReader();
  for (const meta of boxesNamed('meta', bytes, 0)) {
    const items = new Set<number>();
    for (const list of boxesNamed('iinf', meta, fullBox))
      for (const entry of boxesNamed('infe', list, fullBox + (list[0] === 0 ? 2 : 4))) {
        const id = exifItem(entry);
        if (id !== null) items.add(id);
      }
    if (items.size === 0) continue;
    const [idat = noBytes] = boxesNamed('idat', meta, fullBox);
    for (const locations of boxesNamed('iloc', meta, fullBox))
      yield* itemsAt(new Reader(locations), [bytes, idat], items, most);
  }
}

/** The big-endian number of four characters, as in a file. Comparing numbers is faster than comparing strings. */
export const fourLetters = (name: string): number => Buffer.from(name, 'latin1').readUInt32BE();

const noBytes = Buffer.alloc(0);

/** Bytes of version and flags at the start of some boxes. */
export const fullBox = 4;

/** Returns a function that yields the content of each box with a given name. All its calls together visit at most `mostBoxes` boxes. */
export function boxReader(): (name: string, bytes: Buffer, start: number) => Iterable<Buffer> {
  let passed = 0;
  return function* boxesNamed(name: string, bytes: Buffer, start: number): Iterable<Buffer> {
    const wanted = fourLetters(name);
    for (let at = start; at + 8 <= bytes.length; ) {
      passed += 1;
      if (passed > mostBoxes) throw new AppError('IMAGE_CORRUPT');
      const size = bytes.readUInt32BE(at);
      const long = size === 1 && at + 16 <= bytes.length;
      const head = long ? 16 : 8;
      const length = long ? Number(bytes.readBigUInt64BE(at + 8)) : size || bytes.length - at;
      if (length < head) return;
      if (bytes.readUInt32BE(at + 4) === wanted) yield bytes.subarray(at + head, at + length);
      at += length;
    }
  };
}

/** Id of the item if its type is Exif, otherwise null. */
function exifItem(entry: Buffer): number | null {
  const reader = new Reader(entry);
  const version = reader.number(1);
  reader.skip(3);
  const id = reader.number(version === 3 ? 4 : 2);
  reader.skip(2);
  // The image library ignores the case of the type.
  return (reader.number(4) | 0x20202020) === exifType ? id : null;
}

const exifType = fourLetters('exif');

/** @param sources the bytes to which the offset of an extent can refer: the file, and the `idat` box */
function* itemsAt(reader: Reader, sources: readonly Buffer[], items: Set<number>, most: number): Iterable<Buffer> {
  const version = reader.number(1);
  reader.skip(3);
  const [sizes, more] = [reader.number(1), reader.number(1)];
  const [offsetSize, lengthSize, baseSize] = [sizes >> 4, sizes & 15, more >> 4];
  const indexSize = version === 0 ? 0 : more & 15;
  const extentSize = indexSize + offsetSize + lengthSize;
  for (let count = reader.number(version === 2 ? 4 : 2); count > 0 && !reader.ended; count--) {
    let left = items.delete(reader.number(version === 2 ? 4 : 2)) ? most : 0;
    const source = sources[version === 0 ? 0 : reader.number(2) & 15];
    reader.skip(2);
    const base = reader.number(baseSize);
    const parts: Buffer[] = [];
    const extents = reader.number(2);
    const end = reader.at + extents * extentSize;
    while (extents > 0 && left > 0 && !reader.ended) {
      reader.skip(indexSize);
      const start = base + reader.number(offsetSize);
      const length = reader.number(lengthSize);
      const part = source?.subarray(start, start + Math.min(length || most, left)) ?? noBytes;
      // In the standard, length 0 means all bytes. A reader may take it as no bytes.
      if (length === 0) yield part;
      else parts.push(part);
      left -= length;
      if (reader.at >= end) break;
    }
    reader.at = end;
    if (parts.length > 0) yield Buffer.concat(parts);
  }
}

/** Reads big-endian numbers in sequence; bytes after the end are 0. */
class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.at >= this.#bytes.length;
  }

  skip(size: number): void {
    this.at += size;
  }

  /** @param size bytes, 0 to 8 */
  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (this.#bytes[this.at + i] ?? 0);
    this.at += size;
    return value;
  }
}
