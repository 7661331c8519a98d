import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';

/** The file of an image during its enrolment. */
export interface ImageBlob {
  readonly key: string;
  /** Starts to write the file, so that the write overlaps with the extraction. */
  begin(): void;
  /** Resolves to true once the file is durable; to false if the image already has a record, and so has a file. */
  written(): Promise<boolean>;
  /** Deletes the file if it was written. */
  takeBack(): Promise<void>;
}

/** Writes nothing before `begin` or `written` is called. */
export function imageBlob(
  image: Uint8Array,
  imageId: string,
  { tenant, signal, newId }: CallContext,
  { records, images }: Pick<Ports, 'records' | 'images'>,
): ImageBlob {
  // The key is unique, so that a concurrent erasure of the same image cannot delete this file.
  const key = `${imageId}.${newId()}`;
  let writing: Promise<boolean> | undefined;

  function written(): Promise<boolean> {
    if (!writing) {
      writing = write();
      // Avoids an unhandled rejection: the caller awaits the promise later.
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
