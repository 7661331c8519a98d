import { describe, expect, it } from 'vitest';
import {
  filesOfUpload,
  isImagePath,
  isUploadPath,
  keyOfUpload,
  personOfPath,
  uploadOfFile,
  uploadOfKey,
} from './uploads.ts';

describe('objects of the bucket', () => {
  it.each([
    ['uploads/acme/ada/1.jpg', { tenant: 'acme', path: 'ada/1.jpg' }],
    ['uploads/acme/Jürgen Groß/a + b.jpg', { tenant: 'acme', path: 'Jürgen Groß/a + b.jpg' }],
    ['uploads/acme/1.jpg', { tenant: 'acme', path: '1.jpg' }],
    ['uploads/acme/ada/2026/05/1.jpg', { tenant: 'acme', path: 'ada/2026/05/1.jpg' }],
  ])('When the key is %s, then tenant and path are right, and give the same key', (key, place) => {
    expect(uploadOfKey(key)).toEqual(place);
    expect(keyOfUpload(place)).toBe(key);
  });

  it.each([
    'other/acme/ada/1.jpg',
    'uploads/1.jpg',
    'uploads/ACME/ada/1.jpg',
    'uploads/acme/',
    'uploads/acme/../b/1.jpg',
  ])('When the key is %s, then the result is null', (key) => {
    expect(uploadOfKey(key)).toBeNull();
  });
});

describe('files of the watched folder', () => {
  it.each([
    ['ada/1.jpg', { tenant: 'default', path: 'ada/1.jpg' }],
    ['1.jpg', { tenant: 'default', path: '1.jpg' }],
    ['acme/ada/1.jpg', { tenant: 'acme', path: 'ada/1.jpg' }],
    ['acme/ada/2026/1.jpg', { tenant: 'acme', path: 'ada/2026/1.jpg' }],
  ])('When the file is %s, then tenant and path are right, and lead to the same file', (file, place) => {
    expect(uploadOfFile(file, 'default')).toEqual(place);
    expect(filesOfUpload(place, 'default')).toContain(file);
  });

  it.each(['Not A Tenant/ada/1.jpg', 'ada/.1.jpg.part', '.hidden/1.jpg', 'acme/../../etc/passwd'])(
    'When the file is %s, then the result is null',
    (file) => {
      expect(uploadOfFile(file, 'default')).toBeNull();
    },
  );

  it('When the tenant is not the fallback, then only its own folder is searched', () => {
    expect(filesOfUpload({ tenant: 'acme', path: 'ada/1.jpg' }, 'default')).toEqual(['acme/ada/1.jpg']);
    expect(filesOfUpload({ tenant: 'acme', path: '1.jpg' }, 'default')).toEqual([]);
  });
});

it.each([
  ['Ana_María/1.jpg', { externalId: 'Ana_María', name: 'Ana María' }],
  ['Ju\u0308rgen/2026/1.jpg', { externalId: 'Jürgen', name: 'Jürgen' }],
  ['Doe, John/1.jpg', { externalId: 'Doe, John', name: 'Doe, John' }],
  ['🦊/1.jpg', { externalId: '🦊', name: '🦊' }],
  ['___/1.jpg', { externalId: '___', name: '___' }],
  ['1.jpg', null],
])('When the path is %j, then the person is %o', (path, person) => {
  expect(personOfPath(path)).toEqual(person);
});

it.each([
  ['a/1.JPG', true],
  ['a/1.heic', true],
  ['a/list.jsonl', false],
  ['a/Thumbs.db', false],
])('When the file is %s, then isImagePath is %s', (path, expected) => {
  expect(isImagePath(path)).toBe(expected);
});

it.each(['a\\b.jpg', 'a//b.jpg', '/a.jpg', 'a/\n.jpg', `${'x'.repeat(901)}.jpg`])(
  'When the path is %j, then it is invalid',
  (path) => {
    expect(isUploadPath(path)).toBe(false);
  },
);
