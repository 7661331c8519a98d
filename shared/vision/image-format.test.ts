import { describe, expect, it } from 'vitest';
import { drawPortrait } from '../testing/portraits/index.ts';
import { imageFormat } from './image-format.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const container = (...brands: string[]) =>
  bytes(`\0\0\0${String.fromCharCode(8 + 4 * (brands.length + 1))}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`);
const codeOf = (input: Uint8Array): string => {
  try {
    return imageFormat(input);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('imageFormat', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const)(
    'When a file is %s, then its format is recognised',
    async (format) => {
      expect(imageFormat(await drawPortrait({ person: 1, size: 64, format }))).toBe(format);
    },
  );

  it.each([
    [['avif', 'mif1', 'miaf'], 'avif'],
    [['mif1', 'avif'], 'avif'],
    [['heic', 'mif1'], 'heic'],
    [['mif1', 'heic'], 'heic'],
    [['isom', 'mp42'], 'UNSUPPORTED_IMAGE'],
  ])('When a container has the brands %j, then the result is %s', (brands, expected) => {
    expect(codeOf(container(...brands))).toBe(expected);
  });

  it.each([
    ['a text', 'hello, I am a JPEG', 'cannot be read as an image'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'an SVG drawing'],
    ['a PDF', '%PDF-1.7', 'a PDF document'],
    ['a BMP', 'BM\0\0\0\0', 'a BMP image'],
    ['a Photoshop document', '8BPS\0\x01', 'a Photoshop document'],
    ['a few bytes', '\xff\xd8', 'cannot be read as an image'],
  ])('When the file is %s, then it is refused and the message names it', (_what, text, named) => {
    expect(() => imageFormat(bytes(text))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_IMAGE', message: expect.stringContaining(named) }),
    );
  });

  it('When there are no bytes, then the error is EMPTY_IMAGE', () => {
    expect(codeOf(new Uint8Array())).toBe('EMPTY_IMAGE');
  });
});
