import type { Box, Size } from '../domain/geometry.ts';
import { rendering } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { RenderOptions } from '../ports/extractor.ts';
import { type DecodeOptions, type OpenedImage, openImage } from './decode.ts';
import type { Region } from './heic.ts';

/**
 * Renders a photo as an upright JPEG without metadata, for people. `preview` fits into 1024 x 1024 pixels and is not enlarged.
 * `face` is 320 x 320 pixels around `box` (in pixels of the upright photo), with a margin. Errors: those of `decodeImage`.
 */
export async function renderImage(
  bytes: Uint8Array,
  { variant, box, signal }: RenderOptions,
  { limits, memory }: Omit<DecodeOptions, 'signal'> = {},
): Promise<Uint8Array> {
  return await renderOpened(await openImage(bytes, limits), { variant, box, signal }, { memory });
}

/** Renders an opened image. Result and errors: those of `renderImage`. */
export async function renderOpened(
  opened: OpenedImage,
  { variant, box, signal }: RenderOptions,
  { memory }: Pick<DecodeOptions, 'memory'> = {},
): Promise<Uint8Array> {
  const draw = async () => {
    const regionOf = variant === 'face' && box ? (picture: Size) => regionAround(box, picture) : undefined;
    const { image } = await opened.load({ regionOf, signal });
    const side = variant === 'face' ? rendering.faceSide : rendering.previewSide;
    if (variant === 'face') image.resize(side, side, { fit: 'cover' });
    else image.resize(side, side, { fit: 'inside', withoutEnlargement: true });
    return await image
      .flatten({ background: rendering.background })
      .toColourspace('srgb')
      .jpeg({ quality: rendering.jpegQuality })
      .toBuffer()
      .catch((cause: unknown) => {
        throw new AppError('IMAGE_CORRUPT', { cause });
      });
  };
  return memory ? await memory.run(opened.cost.bytes, draw, signal) : await draw();
}

/** The square around a face with its margin, inside the picture. */
function regionAround(box: Box, { width, height }: Size): Region {
  const side = Math.min(Math.max(box.width, box.height) * rendering.faceMargin, width, height);
  const place = (centre: number, limit: number) => Math.round(Math.min(Math.max(centre - side / 2, 0), limit - side));
  const size = Math.max(1, Math.floor(side));
  return {
    left: place(box.left + box.width / 2, width),
    top: place(box.top + box.height / 2, height),
    width: size,
    height: size,
  };
}
