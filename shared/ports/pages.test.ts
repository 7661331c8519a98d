import { expect, it } from 'vitest';
import { itemsOf, pagesOf } from './pages.ts';

const listing: Readonly<Record<string, { items: number[]; next: string | null }>> = {
  start: { items: [1, 2], next: 'b' },
  b: { items: [], next: 'c' },
  c: { items: [3], next: null },
};
const read = async ({ after = 'start' }: { after?: string | undefined }) => listing[after]!;

it('When a listing is read, then every page and every item is returned, also after an empty page', async () => {
  const pages: (readonly number[])[] = [];
  const items: number[] = [];

  for await (const page of pagesOf(read)) pages.push(page);
  for await (const item of itemsOf(read)) items.push(item);

  expect(pages).toEqual([[1, 2], [], [3]]);
  expect(items).toEqual([1, 2, 3]);
});

it('When the reader stops, then no further page is read', async () => {
  const asked: (string | undefined)[] = [];

  for await (const item of itemsOf((page) => {
    asked.push(page.after);
    return read(page);
  }))
    if (item === 2) break;

  expect(asked).toEqual([undefined]);
});
