import { boxReader, fourLetters, fullBox } from './exif-in-iso.ts';

/** Facts of a HEIC file that decide how much memory its decoder needs. Read before anything is decoded. */
export interface HeicHeader {
  /** Area of the largest picture that the file announces: the primary picture, if the file is as cameras write it. */
  readonly pixels: number;
  /** More than 8 bits per sample. */
  readonly deep: boolean;
  /** Chroma samples per luma sample are more than 4:2:0 has. */
  readonly fullChroma: boolean;
  readonly alpha: boolean;
}

/**
 * Reads the properties of all items (ISO/IEC 23008-12) and of the video track of a sequence. `pixels` is 0 when the file announces no
 * size. Errors: IMAGE_CORRUPT when the file has too many boxes.
 */
export function heicHeader(file: Uint8Array): HeicHeader {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const boxesNamed = boxReader();
  let pixels = 0;
  let [deep, fullChroma, alpha] = [false, false, false];
  const codec = (hvcC: Buffer) => {
    if (hvcC.length < 19) return;
    fullChroma ||= (hvcC[16]! & 3) > 1;
    deep ||= (hvcC[17]! & 7) > 0 || (hvcC[18]! & 7) > 0;
  };
  const under = function* (path: readonly string[], content: Buffer, starts: readonly number[]): Iterable<Buffer> {
    const [name, ...rest] = path;
    for (const box of boxesNamed(name!, content, starts[0] ?? 0)) {
      if (rest.length === 0) yield box;
      else yield* under(rest, box, starts.slice(1));
    }
  };
  for (const properties of under(['meta', 'iprp', 'ipco'], bytes, [0, fullBox, 0])) {
    for (const size of boxesNamed('ispe', properties, 0))
      if (size.length >= 12) pixels = Math.max(pixels, size.readUInt32BE(4) * size.readUInt32BE(8));
    for (const hvcC of boxesNamed('hvcC', properties, 0)) codec(hvcC);
    for (const kind of boxesNamed('auxC', properties, 0))
      alpha ||= /alpha|hevc:2015:auxid:1/.test(kind.toString('latin1'));
  }
  const toSampleEntries = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'];
  for (const entries of under(toSampleEntries, bytes, []))
    for (const name of sequenceCodecs)
      for (const entry of boxesNamed(name, entries, fullBox + 4)) {
        if (entry.length < sampleEntryHead) continue;
        pixels = Math.max(pixels, entry.readUInt16BE(24) * entry.readUInt16BE(26));
        for (const hvcC of boxesNamed('hvcC', entry, sampleEntryHead)) codec(hvcC);
      }
  return { pixels, deep, fullChroma, alpha };
}

const sequenceCodecs = ['hvc1', 'hev1'];
/** Bytes of a VisualSampleEntry before its boxes. */
const sampleEntryHead = 78;

/** The TIFF block in an Exif item of HEIC: the item begins with the offset of the block. */
export function tiffOfExifItem(item: Buffer): Buffer {
  if (item.length < 4 || item.readUInt32BE(0) === fourLetters('Exif')) return item;
  return item.subarray(4 + item.readUInt32BE(0));
}
