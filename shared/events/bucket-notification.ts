import * as z from 'zod';
import { type UploadPlace, uploadOfKey } from '../domain/uploads.ts';

/** The form that MinIO and S3 write. Other fields are ignored. */
const notification = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })),
});

/**
 * The files that a bucket's notification names, without duplicates and without files outside of `uploads/`; null: not a notification.
 *
 * @param data the message as bytes, text or JSON
 *
 * [Note: Keys of notifications]
 * The key in a record is URL-encoded like a form field: a space is `+`, and `+` is `%2B`. The key at the top of the message is not
 * encoded, and is ignored. The kind of change is ignored too, see [Note: The current file counts].
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
