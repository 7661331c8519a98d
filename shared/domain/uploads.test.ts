import { describe, expect, it } from 'vitest';
import {
  externalIdOfPath,
  filesOfUpload,
  isImagePath,
  isUploadPath,
  keyOfUpload,
  uploadOfFile,
  uploadOfKey,
} from './uploads.ts';

describe('objects of the bucket', () => {
  it.each([
    ['uploads/acme/ada/1.jpg', { tenant: 'acme', path: 'ada/1.jpg' }],
    ['uploads/acme/Jürgen Groß/a + b.jpg', { tenant: 'acme', path: 'Jürgen Groß/a + b.jpg' }],
    ['uploads/acme/1.jpg', { tenant: 'acme', path: '1.jpg' }],
    ['uploads/acme/ada/2026/05/1.jpg', { tenant: 'acme', path: 'ada/2026/05/1.jpg' }],
  ])('When the key is %s, then it belongs to the tenant, and leads back', (key, place) => {
    expect(uploadOfKey(key)).toEqual(place);
    expect(keyOfUpload(place)).toBe(key);
  });

  it.each([
    'other/acme/ada/1.jpg',
    'uploads/1.jpg',
    'uploads/ACME/ada/1.jpg',
    'uploads/acme/',
    'uploads/acme/../b/1.jpg',
  ])('When the key is %s, then it belongs nowhere', (key) => {
    expect(uploadOfKey(key)).toBeNull();
  });
});

describe('files of the watched folder', () => {
  it.each([
    ['ada/1.jpg', { tenant: 'default', path: 'ada/1.jpg' }],
    ['1.jpg', { tenant: 'default', path: '1.jpg' }],
    ['acme/ada/1.jpg', { tenant: 'acme', path: 'ada/1.jpg' }],
    ['acme/ada/2026/1.jpg', { tenant: 'acme', path: 'ada/2026/1.jpg' }],
  ])('When the file is %s, then it belongs to the tenant, and is found again', (file, place) => {
    expect(uploadOfFile(file, 'default')).toEqual(place);
    expect(filesOfUpload(place, 'default')).toContain(file);
  });

  it.each(['Not A Tenant/ada/1.jpg', 'ada/.1.jpg.part', '.hidden/1.jpg', 'acme/../../etc/passwd'])(
    'When the file is %s, then it belongs nowhere',
    (file) => {
      expect(uploadOfFile(file, 'default')).toBeNull();
    },
  );

  it('When the tenant is another than the fallback, then only its own folder is looked into', () => {
    expect(filesOfUpload({ tenant: 'acme', path: 'ada/1.jpg' }, 'default')).toEqual(['acme/ada/1.jpg']);
    expect(filesOfUpload({ tenant: 'acme', path: '1.jpg' }, 'default')).toEqual([]);
  });
});

it('When a folder is written in two ways, then it is one external id', () => {
  expect(externalIdOfPath('Ju\u0308rgen/1.jpg')).toBe('Jürgen');
  expect(externalIdOfPath('1.jpg')).toBeUndefined();
});

it.each([
  ['a/1.JPG', true],
  ['a/1.heic', true],
  ['a/list.jsonl', false],
  ['a/Thumbs.db', false],
])('When a file is called %s, then whether it is enrolled is %s', (path, expected) => {
  expect(isImagePath(path)).toBe(expected);
});

it.each(['a\\b.jpg', 'a//b.jpg', '/a.jpg', 'a/\n.jpg', `${'x'.repeat(901)}.jpg`])(
  'When a path is %j, then it is none',
  (path) => {
    expect(isUploadPath(path)).toBe(false);
  },
);
