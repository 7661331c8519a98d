/**
 * The Exif items of an AVIF or HEIC file (ISO/IEC 23008-12): the first `most` bytes of each, put together from its extents.
 * What is damaged is passed over, for the image library to refuse.
 */
export function* isoExifBlocks(bytes: Buffer, most: number): Iterable<Buffer> {
  for (const meta of boxesNamed('meta', bytes, 0)) {
    const items = new Set<number>();
    for (const list of boxesNamed('iinf', meta, fullBox)) for (const id of exifItems(list)) items.add(id);
    if (items.size === 0) continue;
    const [idat = Buffer.alloc(0)] = boxesNamed('idat', meta, fullBox);
    for (const locations of boxesNamed('iloc', meta, fullBox))
      yield* itemsAt(new Reader(locations), [bytes, idat], items, most);
  }
}

/** As they stand in a file, for comparing without strings. */
export const fourLetters = (name: string): number => Buffer.from(name, 'latin1').readUInt32BE();

/** Version and flags, with which some boxes begin. */
const fullBox = 4;

/** What is inside each box of this name. */
function* boxesNamed(name: string, bytes: Buffer, start: number): Iterable<Buffer> {
  const wanted = fourLetters(name);
  for (let at = start; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    const long = size === 1 && at + 16 <= bytes.length;
    const head = long ? 16 : 8;
    const length = long ? Number(bytes.readBigUInt64BE(at + 8)) : size || bytes.length - at;
    if (length < head) return;
    if (bytes.readUInt32BE(at + 4) === wanted) yield bytes.subarray(at + head, at + length);
    at += length;
  }
}

/** Ids of the items whose type is Exif. */
function* exifItems(list: Buffer): Iterable<number> {
  for (const entry of boxesNamed('infe', list, fullBox + (list[0] === 0 ? 2 : 4))) {
    const reader = new Reader(entry);
    const version = reader.number(1);
    reader.number(3);
    const id = reader.number(version === 3 ? 4 : 2);
    reader.number(2);
    const type = reader.number(4);
    // Upper and lower case are one to the image library.
    if ((type | 0x20202020) === exifType) yield id;
  }
}

const exifType = fourLetters('exif');

/** @param sources what an extent's offset counts in: the file, or the `idat` box */
function* itemsAt(reader: Reader, sources: readonly Buffer[], items: Set<number>, most: number): Iterable<Buffer> {
  const version = reader.number(1);
  reader.number(3);
  const [sizes, more] = [reader.number(1), reader.number(1)];
  const [offsetSize, lengthSize, baseSize] = [sizes >> 4, sizes & 15, more >> 4];
  const indexSize = version === 0 ? 0 : more & 15;
  for (let count = reader.number(version === 2 ? 4 : 2); count > 0 && !reader.ended; count--) {
    const isWanted = items.has(reader.number(version === 2 ? 4 : 2));
    const source = sources[version === 0 ? 0 : reader.number(2) & 15];
    reader.number(2);
    const base = reader.number(baseSize);
    const parts: Buffer[] = [];
    let left = isWanted ? most : 0;
    for (let extents = reader.number(2); extents > 0 && !reader.ended; extents--) {
      reader.number(indexSize);
      const start = base + reader.number(offsetSize);
      const length = Math.min(reader.number(lengthSize) || left, left);
      const part = source?.subarray(start, start + length);
      if (!part?.length) continue;
      parts.push(part);
      left -= part.length;
    }
    if (parts.length > 0) yield Buffer.concat(parts);
  }
}

/** Big-endian numbers one after another; 0 behind the end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @param size bytes, 0 to 8 */
  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (this.#bytes[this.#at + i] ?? 0);
    this.#at += size;
    return value;
  }
}
