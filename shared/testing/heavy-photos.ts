import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';

/** Photos that need much memory to decode, one of each kind. */
export interface HeavyPhoto {
  readonly name: string;
  make(): Promise<Uint8Array>;
}

/** @param megapixels of each photo; HEIC has 12 */
export function heavyPhotos(megapixels: number): readonly HeavyPhoto[] {
  const width = Math.round(Math.sqrt(megapixels * 1e6 * (4 / 3)));
  const height = Math.round((width * 3) / 4);
  const plain = (channels: 3 | 4 = 3): Sharp =>
    sharp({
      create: { width, height, channels, background: { r: 90, g: 120, b: 150, alpha: 0.5 } },
      limitInputPixels: false,
    });
  /** Bytes without a pattern, which a compressor cannot reduce to a palette. */
  const noise = (channels: 3 | 4): Sharp => {
    const data = Buffer.alloc(width * height * channels);
    for (let i = 0, state = 1; i < data.length; i++) {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      data[i] = (state >> 16) & 0x03;
    }
    return sharp(data, { raw: { width, height, channels } });
  };
  const interlaced = { progressive: true, compressionLevel: 1 } as const;
  const full = { progressive: true, chromaSubsampling: '4:4:4' } as const;
  const photo = (name: string, image: () => Sharp): HeavyPhoto => ({ name, make: () => image().toBuffer() });
  return [
    photo('JPEG', () => plain().jpeg()),
    photo('progressive JPEG 4:4:4', () => plain().jpeg(full)),
    photo('progressive CMYK JPEG', () => plain().toColourspace('cmyk').jpeg(full)),
    photo('PNG with 16 bits and alpha', () => plain(4).toColourspace('rgb16').png({ compressionLevel: 1 })),
    photo('interlaced PNG', () => plain().png(interlaced)),
    photo('interlaced PNG with 16 bits and alpha', () => plain(4).toColourspace('rgb16').png(interlaced)),
    photo('lossless WebP', () => noise(4).webp({ lossless: true, effort: 0 })),
    photo('GIF', () => noise(3).gif({ effort: 1, dither: 0 })),
    photo('AVIF', () => plain().avif({ effort: 0 })),
    photo('AVIF with 10 bits and alpha', () => plain(4).avif({ effort: 0, bitdepth: 10, chromaSubsampling: '4:4:4' })),
    photo('TIFF with large tiles', () =>
      plain().tiff({ compression: 'deflate', tile: true, tileWidth: 2048, tileHeight: 2048 }),
    ),
    { name: 'HEIC', make: async () => readFileSync('shared/vision/testing/heic/flat-12mp.heic') },
  ];
}
