import type { Page, PageOptions } from './records.ts';

/** Every page of a listing, one after another. `read` gets the position; what else it asks for is its own. */
export async function* pagesOf<Item>(
  read: (page: Pick<PageOptions, 'after'>) => Promise<Page<Item>>,
): AsyncGenerator<readonly Item[]> {
  let after: string | undefined;
  do {
    const page = await read({ after });
    yield page.items;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/** Everything that a listing has, one after another. */
export async function* itemsOf<Item>(read: Parameters<typeof pagesOf<Item>>[0]): AsyncGenerator<Item> {
  for await (const items of pagesOf(read)) yield* items;
}
