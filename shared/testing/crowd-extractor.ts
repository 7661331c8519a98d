import { embeddedOpeners } from '../adapters/embedded/index.ts';
import type { Openers } from '../function/ports.ts';

/** The embedded ports. In every photo, the extractor reports `count` more faces that it did not process, as it does for a crowd. */
export const openersLeavingOut = (count: number): Openers => ({
  ...embeddedOpeners,
  async extractor(context) {
    const extractor = await embeddedOpeners.extractor!(context);
    return {
      ...extractor,
      extract: async (bytes, options) => ({ ...(await extractor.extract(bytes, options)), facesLeftOut: count }),
    };
  },
});
