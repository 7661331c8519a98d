import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';

/** The file of an image that is being enrolled. */
export interface ImageBlob {
  readonly key: string;
  /** Begins to write it, so that the disk works while faces are searched. */
  begin(): void;
  /** Resolves when it is durable, to true, or to false when the image has a record, and so a file of its own, already. */
  written(): Promise<boolean>;
  /** Deletes what was written. */
  takeBack(): Promise<void>;
}

/** Of the image that becomes `imageId`. Nothing is written before `begin` or `written` is called. */
export function imageBlob(
  image: Uint8Array,
  imageId: string,
  { tenant, signal, newId }: CallContext,
  { records, images }: Pick<Ports, 'records' | 'images'>,
): ImageBlob {
  // A key of its own, so that erasing an earlier copy of the same image at this moment cannot take this one along.
  const key = `${imageId}.${newId()}`;
  let writing: Promise<boolean> | undefined;

  function written(): Promise<boolean> {
    if (!writing) {
      writing = write();
      // Whoever wants to know asks later.
      writing.catch(() => undefined);
    }
    return writing;
  }

  async function write(): Promise<boolean> {
    if ((await records.getImage(tenant, imageId, { signal })) !== null) return false;
    await images.put(tenant, key, image, { signal });
    return true;
  }

  return {
    key,
    begin: () => void written(),
    written,
    async takeBack() {
      if (await writing?.catch(() => false)) await images.delete(tenant, key);
    },
  };
}
