import * as z from 'zod';
import { byteRange } from '../api/byte-range.ts';
import * as wire from '../api/gallery.ts';
import { AppError } from '../errors.ts';
import type { BinaryReply, CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Face, Image } from '../ports/records/faces.ts';

export const imageParams = z.object({ image_id: wire.imageId });

export const imageQuery = z.object({
  variant: z
    .enum(['original', 'preview', 'face'])
    .default('original')
    .describe(
      'original: the uploaded bytes; preview: a JPEG of at most 1024 px; face: a JPEG of 320 px around a face.',
    ),
  face_id: wire.faceId.optional().describe('The face to show, only with variant=face; the largest face if absent.'),
});

export const imageTypes = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'image/tiff',
  'image/heic',
] as const;

type ImagePorts = Pick<Ports, 'records' | 'images' | 'extractor'>;

/** Seconds that a link to an image is valid: enough to start a download, too short to share the link. */
const linkSeconds = 60;

/**
 * Returns an image or a rendering of it. The caller may cache it, but must revalidate it on each use (If-None-Match, answered 304), so
 * that an erased image disappears from all caches. Errors: VALIDATION_FAILED, IMAGE_NOT_FOUND, IMAGE_EXPIRED, FACE_NOT_FOUND,
 * RANGE_NOT_SATISFIABLE.
 *
 * [Note: Downloads directly from the store]
 * If clients can reach the image store, a download of a whole image is answered with a redirect to a signed link, so no function sends
 * the bytes. The access is in the audit log as usual. An image that a page shows is sent by the platform, which checks each time that
 * the bytes are the stored ones.
 */
export async function deliverImage(
  imageId: string,
  { variant, face_id: faceId }: z.output<typeof imageQuery>,
  {
    headers,
    disposition,
    ...call
  }: CallContext & { headers: Readonly<Record<string, string | undefined>>; disposition: 'inline' | 'attachment' },
  ports: ImagePorts,
): Promise<BinaryReply> {
  const { tenant, signal } = call;
  if (faceId !== undefined && variant !== 'face') {
    throw new AppError('VALIDATION_FAILED', {
      message: 'face_id can only be used with variant=face.',
      details: [{ field: 'face_id', issue: 'can only be used with variant=face' }],
    });
  }
  const image = await ports.records.getImage(tenant, imageId, { signal });
  if (image === null) throw new AppError('IMAGE_NOT_FOUND');
  if (image.expiredAt !== null) throw new AppError('IMAGE_EXPIRED');
  const common = {
    etag: tagOf(image, variant, faceId),
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
  };
  // The response does not name the people in the image, but the audit log must.
  const { items: faces } = await ports.records.listFaces(tenant, { imageId }, { limit: 1000, signal });
  const audit = { about: faces.map((face) => ({ face_id: face.faceId, person_id: face.personId })) };
  if (matches(headers['if-none-match'], common.etag)) return { status: 304, bytes: null, headers: common, audit };

  const contentType = variant === 'original' ? image.contentType : 'image/jpeg';
  const disposed = `${disposition}; filename="${imageId}.${contentType.slice('image/'.length)}"`;
  const link =
    variant === 'original' && disposition === 'attachment'
      ? await ports.images.link(tenant, image.blobKey, {
          expiresSeconds: linkSeconds,
          contentType,
          disposition: disposed,
          signal,
        })
      : null;
  if (link !== null)
    return { status: 302, bytes: null, headers: { location: link, 'cache-control': 'private, no-store' }, audit };

  const original = await ports.images.get(tenant, image.blobKey, { signal });
  if (original === null) throw new AppError('IMAGE_NOT_FOUND');
  const bytes = variant === 'original' ? original : await render(original, variant, faces, faceId, call, ports);
  const described = { ...common, 'content-disposition': disposed };
  const ifRange = headers['if-range'];
  const range = ifRange === undefined || ifRange === common.etag ? byteRange(headers.range, bytes.length) : undefined;
  if (range === undefined) return { bytes, contentType, headers: described, audit };
  return {
    status: 206,
    audit,
    bytes: bytes.subarray(range.start, range.end + 1),
    contentType,
    headers: { ...described, 'content-range': `bytes ${range.start}-${range.end}/${bytes.length}` },
  };
}

async function render(
  original: Uint8Array,
  variant: 'preview' | 'face',
  faces: readonly Face[],
  faceId: string | undefined,
  { signal }: CallContext,
  { extractor }: Pick<ImagePorts, 'extractor'>,
): Promise<Uint8Array> {
  if (variant === 'preview') return extractor.render(original, { variant, signal });
  const face =
    faceId === undefined
      ? faces.toSorted((a, b) => b.box.width * b.box.height - a.box.width * a.box.height)[0]
      : faces.find((each) => each.faceId === faceId);
  if (face === undefined) throw new AppError('FACE_NOT_FOUND', { message: 'The image has no face with this id.' });
  return extractor.render(original, { variant, box: face.box, signal });
}

const tagOf = (image: Image, variant: string, faceId: string | undefined): string =>
  `"${[image.digest.slice(0, 32), variant, ...(faceId === undefined ? [] : [faceId])].join('.')}"`;

const matches = (header: string | undefined, tag: string): boolean =>
  header !== undefined &&
  (header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === tag));
