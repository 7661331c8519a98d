import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { exifBomb, jpegSegment } from './exif-bomb.ts';
import { type CallOptions, sharedPlatform, type TestPlatform } from './platform.ts';
import { pngChunk } from './png-chunk.ts';
import { drawGroup, drawPortrait, drawScene } from './portraits/index.ts';

const tenant = 'default' as never;
const enroll = '/api/v1/faces/enroll';
const unknownId = '00000000-0000-4000-8000-000000000000';

const jpeg = (body: Uint8Array): CallOptions => ({ body, headers: { 'content-type': 'image/jpeg' } });
const portrait = () => drawPortrait({ person: 'amaro' });

/** Cases: title, method, path, request, expected status and error code. */
const refused: readonly [string, string, string, () => Promise<CallOptions> | CallOptions, number, string][] = [
  ['the body is empty', 'POST', enroll, () => ({ body: '' }), 400, 'IMAGE_MISSING'],
  ['the image is empty', 'POST', enroll, () => jpeg(new Uint8Array()), 400, 'EMPTY_IMAGE'],
  [
    'the image is cut off',
    'POST',
    enroll,
    async () => jpeg((await portrait()).subarray(0, 4000)),
    422,
    'IMAGE_CORRUPT',
  ],
  [
    'the image is damaged',
    'POST',
    enroll,
    async () => jpeg(scrambled(await drawPortrait({ person: 'amaro', format: 'png' }))),
    422,
    'IMAGE_CORRUPT',
  ],
  [
    'EXIF data is built to keep a reader busy, after a fill byte',
    'POST',
    enroll,
    async () => jpeg(withExifBomb(await portrait())),
    422,
    'IMAGE_CORRUPT',
  ],
  [
    'a text file is called photo.jpg',
    'POST',
    enroll,
    () => ({ form: { image: Buffer.from('this is no photo') } }),
    415,
    'UNSUPPORTED_IMAGE',
  ],
  [
    'an SVG is sent as an image',
    'POST',
    enroll,
    async () => ({ form: { image: await drawPortrait({ person: 'amaro', format: 'svg' }) } }),
    415,
    'UNSUPPORTED_IMAGE',
  ],
  [
    'an image has 65,000 x 65,000 pixels',
    'POST',
    enroll,
    () => ({ form: { image: pngBomb(65_000, 65_000) } }),
    413,
    'IMAGE_TOO_LARGE',
  ],
  [
    'a photo has 20 MB',
    'POST',
    enroll,
    async () => jpeg(Buffer.concat([await portrait(), Buffer.alloc(20_000_000)])),
    413,
    'IMAGE_TOO_LARGE',
  ],
  [
    'a base64 photo has 20 MB',
    'POST',
    enroll,
    () => ({ json: { image_data: Buffer.alloc(20_000_000).toString('base64') } }),
    413,
    'BODY_TOO_LARGE',
  ],
  ['no person is in the photo', 'POST', enroll, async () => jpeg(await drawScene()), 422, 'NO_FACE'],
  ['the photo is white', 'POST', enroll, async () => jpeg(await plain()), 422, 'NO_FACE'],
  [
    'a field is unknown',
    'POST',
    enroll,
    async () => ({ form: { persn_id: 'x', image: await portrait() } }),
    400,
    'VALIDATION_FAILED',
  ],
  [
    'an option is unknown',
    'POST',
    enroll,
    async () => ({ form: { 'processing_options.fast': 'true', image: await portrait() } }),
    400,
    'VALIDATION_FAILED',
  ],
  [
    'a field has the wrong type',
    'POST',
    enroll,
    async () => ({ form: { location: 'here', image: await portrait() } }),
    400,
    'VALIDATION_FAILED',
  ],
  [
    'a time is not a time',
    'POST',
    enroll,
    async () => ({ form: { captured_at: 'yesterday', image: await portrait() } }),
    400,
    'VALIDATION_FAILED',
  ],
  [
    'a latitude is impossible',
    'POST',
    enroll,
    async () => ({ form: { location: '{"lat":95,"lon":0}', image: await portrait() } }),
    400,
    'VALIDATION_FAILED',
  ],
  ['a face does not exist', 'GET', `/api/v1/faces/${unknownId}`, () => ({}), 404, 'FACE_NOT_FOUND'],
  ['a face id has the wrong form', 'GET', '/api/v1/faces/1', () => ({}), 400, 'ID_MALFORMED'],
  ['a face that does not exist is erased', 'DELETE', `/api/v1/faces/${unknownId}`, () => ({}), 404, 'FACE_NOT_FOUND'],
  ['a person does not exist', 'GET', '/api/v1/persons/unknown', () => ({}), 404, 'PERSON_NOT_FOUND'],
  ['a person id has the wrong form', 'GET', '/api/v1/persons/a%2Fb', () => ({}), 400, 'ID_MALFORMED'],
  ['an image does not exist', 'GET', `/api/v1/images/${unknownId}`, () => ({}), 404, 'IMAGE_NOT_FOUND'],
  [
    'an external id does not exist',
    'GET',
    '/api/v1/persons/by_external_id/unknown',
    () => ({}),
    404,
    'PERSON_NOT_FOUND',
  ],
  ['a page token was tampered with', 'GET', '/api/v1/persons?page_token=AAAA', () => ({}), 400, 'PAGE_TOKEN_INVALID'],
];

describe('bad input', () => {
  const platform = sharedPlatform(functions);

  it.each(refused)(
    'When %s, then the request is refused with its own error and no data is left',
    async (_, method, path, options, status, code) => {
      const answer = await platform().call(method, path, await options());

      expect([answer.status, answer.json?.error?.code]).toEqual([status, code]);
      expect(answer.json.message.length).toBeGreaterThan(10);
      expect(await leftovers(platform())).toEqual({ persons: 0, images: 0, blobs: 0, vectors: 0 });
    },
  );

  it('When a photo is animated, CMYK, 16-bit, grey or transparent, then its face is found', async () => {
    const drawn = sharp(await drawPortrait({ person: 'dana', format: 'png' }));
    const scene = await drawScene({ size: 400, format: 'png' });
    const variants = {
      cmyk: await drawn.clone().toColourspace('cmyk').jpeg().toBuffer(),
      sixteenBit: await drawn.clone().toColourspace('rgb16').png().toBuffer(),
      grey: await drawn.clone().greyscale().jpeg().toBuffer(),
      transparent: await drawn.clone().ensureAlpha(0.9).png().toBuffer(),
      animated: await sharp([await drawn.clone().toBuffer(), scene], { join: { animated: true } })
        .webp({ loop: 0, delay: [100, 100] })
        .toBuffer(),
    };

    for (const [name, image] of Object.entries(variants)) {
      const { status, json } = await platform().call('POST', '/api/v1/faces/detect', jpeg(image));
      expect([name, status, json.data?.faces.length]).toEqual([name, 200, 1]);
    }
  });

  it('When fifty faces are in a photo, then at least 48 are found', async () => {
    const members = Array.from({ length: 50 }, (_, i) => ({ person: i }));
    const image = await drawGroup(members, { rows: 5, size: { width: 2400, height: 1500 } });

    const { json } = await platform().call('POST', '/api/v1/faces/detect', jpeg(image));

    expect(json.data.faces.length).toBeGreaterThanOrEqual(48);
    expect(json.data.faces.length).toBeLessThanOrEqual(50);
  });

  it('When all of this was sent, then the process is healthy', async () => {
    const { json } = await platform().call('GET', '/api/v1/health');

    expect(json.data.status).toBe('ok');
    expect(platform().logs.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});

async function leftovers({ ports }: TestPlatform) {
  let blobs = 0;
  for await (const _ of ports.images.keys(tenant)) blobs += 1;
  const pack = await ports.extractor.describe();
  return {
    persons: (await ports.records.listPersons(tenant, { limit: 10 })).items.length,
    images: (await ports.records.listImages(tenant, { limit: 10 })).items.length,
    blobs,
    vectors: (await ports.vectors.count(tenant, pack)).total,
  };
}

/** Keeps the header and damages the last two thirds. */
const scrambled = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i > bytes.length / 3 && i % 7 === 0 ? byte ^ 0xff : byte));

const withExifBomb = (photo: Uint8Array): Uint8Array =>
  Buffer.concat([photo.subarray(0, 2), Buffer.of(0xff), jpegSegment(exifBomb(5000)), photo.subarray(2)]);

const plain = () =>
  sharp({ create: { width: 300, height: 300, channels: 3, background: '#fff' } })
    .jpeg()
    .toBuffer();

/** A PNG whose header claims these dimensions; the pixel data must never be read. */
function pngBomb(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(100))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}
