import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeImageData, maxBase64Length } from './image-data.ts';

const limit = 1000;

describe('decodeImageData', () => {
  it('When bytes are encoded in any usual way, then decoding returns the same bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: limit }),
        fc.boolean(),
        fc.boolean(),
        (bytes, head, lines) => {
          let text = Buffer.from(bytes).toString('base64');
          if (lines) text = text.replace(/.{76}/g, '$&\r\n');
          if (head) text = `data:image/jpeg;base64,${text}`;

          expect(text.length).toBeLessThanOrEqual(maxBase64Length(limit));
          expect(Buffer.compare(decodeImageData(text, limit), bytes)).toBe(0);
        },
      ),
    );
  });

  it('When the text is base64url without padding, then it is decoded', () => {
    expect([...decodeImageData('-_8', limit)]).toEqual([0xfb, 0xff]);
  });

  it.each(['A', 'AA*A', 'AAA=A', 'näh!', 'data:image/png;base64,%%%%'])(
    'When the text is %s, then the error names image_data',
    (text) => {
      expect(() => decodeImageData(text, limit)).toThrow('image_data is not valid base64');
    },
  );

  it('When the text is too long, then it is refused before it is decoded', () => {
    expect(() => decodeImageData('A'.repeat(1400), limit)).toThrow('more than 1000 bytes');
  });
});
