import * as z from 'zod';
import { type UploadPlace, uploadOfKey } from '../domain/uploads.ts';

/** As MinIO and S3 write it; all else in it is passed over. */
const notification = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })),
});

/**
 * The files that a bucket's notification is about, each once; those outside of `uploads/` are left out. `data`: the message as bytes,
 * text or JSON. null when it is no notification.
 *
 * [Note: Keys of notifications]
 * The key within a record is URL-encoded as a form has it: a space is `+`, and `+` is `%2B`. The one at the top of the message is
 * not, and is not read. What happened does not matter either, see [Note: What is there counts].
 */
export function uploadsOfNotification(data: unknown): UploadPlace[] | null {
  const parsed = notification.safeParse(jsonOf(data));
  if (!parsed.success) return null;
  const keys = new Set(parsed.data.Records.flatMap(({ s3 }) => decodedKey(s3.object.key) ?? []));
  return [...keys].flatMap((key) => uploadOfKey(key) ?? []);
}

function jsonOf(data: unknown): unknown {
  const text = data instanceof Uint8Array ? Buffer.from(data).toString() : data;
  if (typeof text !== 'string') return data;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decodedKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
