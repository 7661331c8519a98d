import { rendering } from '../domain/tuning.ts';
import { AppError } from '../errors.ts';
import type { RenderOptions } from '../ports/extractor.ts';
import { type DecodeOptions, openImage } from './decode.ts';

/**
 * Renders a photo as an upright JPEG without metadata, for people. `preview` fits into 1024 x 1024 pixels and is not enlarged.
 * `face` is 320 x 320 pixels around `box` (in pixels of the upright photo), with a margin. Errors: those of `decodeImage`.
 */
export async function renderImage(
  bytes: Uint8Array,
  { variant, box, signal }: RenderOptions,
  { limits, pixels }: Omit<DecodeOptions, 'signal'> = {},
): Promise<Uint8Array> {
  const { image, facts } = await openImage(bytes, limits);
  if (variant === 'face' && box) {
    const side = Math.min(Math.max(box.width, box.height) * rendering.faceMargin, facts.width, facts.height);
    const place = (centre: number, limit: number) => Math.round(Math.min(Math.max(centre - side / 2, 0), limit - side));
    const size = Math.max(1, Math.floor(side));
    image.extract({
      left: place(box.left + box.width / 2, facts.width),
      top: place(box.top + box.height / 2, facts.height),
      width: size,
      height: size,
    });
  }
  const side = variant === 'face' ? rendering.faceSide : rendering.previewSide;
  if (variant === 'face') image.resize(side, side, { fit: 'cover' });
  else image.resize(side, side, { fit: 'inside', withoutEnlargement: true });
  const draw = () =>
    image
      .flatten({ background: rendering.background })
      .toColourspace('srgb')
      .jpeg({ quality: rendering.jpegQuality })
      .toBuffer()
      .catch((cause: unknown) => {
        throw new AppError('IMAGE_CORRUPT', { cause });
      });
  return pixels ? pixels.run(facts.width * facts.height, draw, signal) : draw();
}
