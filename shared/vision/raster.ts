/**
 * An image in memory: 8-bit RGB, interleaved, rows from top to bottom without padding. Pixel (x, y) is at
 * `pixels[3 * (y * width + x)]`, so `pixels.length === 3 * width * height`. Several readers share a raster: never write to it.
 */
export interface Raster {
  readonly pixels: Uint8Array;
  /** In pixels, at least 1, like `height`. */
  readonly width: number;
  readonly height: number;
}
