/**
 * Returns a function that opens a handle at its first call and returns the same handle at each later call. When opening fails, the
 * failure is forgotten: the next call opens again. Errors: those of `open`.
 */
export function lazy<Handle>(open: () => Promise<Handle>): () => Promise<Handle> {
  let opening: Promise<Handle> | undefined;
  return () => {
    if (!opening) {
      const current = open();
      opening = current;
      current.catch(() => {
        if (opening === current) opening = undefined;
      });
    }
    return opening;
  };
}
