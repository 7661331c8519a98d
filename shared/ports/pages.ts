import type { CallOptions } from './tenant.ts';

export interface Page<T> {
  readonly items: T[];
  /** Position after the last item, for `after`; null on the last page. Opaque, at most 512 characters. */
  readonly next: string | null;
}
export interface PageOptions extends CallOptions {
  /** 1..1000. */
  readonly limit: number;
  /** A `next` of the same listing. Any other text is an AppError PAGE_TOKEN_INVALID. */
  readonly after?: string | undefined;
}

/** Yields every page of a listing. `read` receives the position and adds its own limit and filter. */
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

/** Yields every item of a listing. */
export async function* itemsOf<Item>(read: Parameters<typeof pagesOf<Item>>[0]): AsyncGenerator<Item> {
  for await (const items of pagesOf(read)) yield* items;
}
