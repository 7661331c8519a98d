import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedPlatform } from '../../shared/testing/platform.ts';
import { drawGroup } from '../../shared/testing/portraits/index.ts';
import { functions } from '../registry.gen.ts';

describe('images', () => {
  const platform = sharedPlatform(functions);
  let original: Uint8Array;
  let path: string;
  let faceIds: string[];

  beforeAll(async () => {
    const drawn = await drawGroup(
      [
        { person: 'amaro', head: 240 },
        { person: 'dana', head: 160 },
      ],
      { size: { width: 1600, height: 700 }, format: 'png' },
    );
    original = await sharp(drawn)
      .withExif({ IFD0: { Copyright: 'somebody' } })
      .jpeg()
      .toBuffer();
    const { json } = await platform().call('POST', '/api/v1/faces/enroll', {
      form: { 'processing_options.enable_multi_face': 'true', image: original },
    });
    path = `/api/v1/images/${json.data.image_id}`;
    faceIds = json.data.faces.map(({ face_id }: { face_id: string }) => face_id);
  });

  it('When an image is shown or downloaded, then the response has exactly the bytes that were sent', async () => {
    const { call } = platform();

    const shown = await call('GET', path);
    const downloaded = await call('GET', `${path}/download`);

    expect([shown.status, shown.headers.get('content-type'), Buffer.compare(shown.bytes, original)]).toEqual([
      200,
      'image/jpeg',
      0,
    ]);
    expect(downloaded.headers.get('content-disposition')).toBe(
      `attachment; filename="${path.slice('/api/v1/images/'.length)}.jpeg"`,
    );
    expect(Buffer.compare(downloaded.bytes, original)).toBe(0);
  });

  it('When a range is requested, then the response is 206 with this range, or 416 if it is past the end', async () => {
    const { call } = platform();
    const range = (value: string) => call('GET', path, { headers: { range: value } });

    const middle = await range('bytes=10-19');
    const tail = await range('bytes=-5');
    const open = await range(`bytes=${original.length - 3}-`);
    const outside = await range(`bytes=${original.length}-`);

    expect([middle.status, middle.headers.get('content-range')]).toEqual([206, `bytes 10-19/${original.length}`]);
    expect(Buffer.compare(middle.bytes, original.subarray(10, 20))).toBe(0);
    expect(Buffer.compare(tail.bytes, original.subarray(-5))).toBe(0);
    expect(open.bytes.length).toBe(3);
    expect([outside.status, outside.json.error.code]).toEqual([416, 'RANGE_NOT_SATISFIABLE']);
  });

  it('When the caller already has the image, then the response is 304 without bytes', async () => {
    const { call } = platform();
    const tag = (await call('GET', path)).headers.get('etag') ?? '';

    const again = await call('GET', path, { headers: { 'if-none-match': tag } });
    const other = await call('GET', `${path}?variant=preview`, { headers: { 'if-none-match': tag } });

    expect([again.status, again.bytes.length, other.status]).toEqual([304, 0, 200]);
  });

  it('When a preview or a face is requested, then it is a small JPEG without metadata', async () => {
    const { call } = platform();

    const preview = await call('GET', `${path}?variant=preview`);
    const face = await call('GET', `${path}?variant=face`);
    const other = await call('GET', `${path}?variant=face&face_id=${faceIds[1]}`);

    const [previewFacts, faceFacts] = await Promise.all([
      sharp(preview.bytes).metadata(),
      sharp(face.bytes).metadata(),
    ]);
    expect(previewFacts).toMatchObject({ format: 'jpeg', width: 1024 });
    expect(faceFacts).toMatchObject({ format: 'jpeg', width: 320, height: 320 });
    expect(previewFacts.exif).toBeUndefined();
    expect(Buffer.compare(face.bytes, other.bytes)).not.toBe(0);
  });

  it('When the method is HEAD, then the response has the headers without the bytes', async () => {
    const answer = await platform().call('HEAD', path);

    expect([answer.status, answer.headers.get('content-length'), answer.bytes.length]).toEqual([
      200,
      String(original.length),
      0,
    ]);
  });

  it('When the image, the face or the variant does not exist, then the response is 404 or 400', async () => {
    const { call } = platform();
    const nobody = '00000000-0000-4000-8000-000000000000';

    const answers = await Promise.all([
      call('GET', `/api/v1/images/${nobody}`),
      call('GET', '/api/v1/images/not-an-id'),
      call('GET', `${path}?variant=face&face_id=${nobody}`),
      call('GET', `${path}?variant=huge`),
      call('GET', `${path}?face_id=${faceIds[0]}`),
    ]);

    expect(answers.map(({ status, json }) => [status, json.error.code])).toEqual([
      [404, 'IMAGE_NOT_FOUND'],
      [400, 'ID_MALFORMED'],
      [404, 'FACE_NOT_FOUND'],
      [400, 'VALIDATION_FAILED'],
      [400, 'VALIDATION_FAILED'],
    ]);
  });
});
