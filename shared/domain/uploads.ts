/** Names of the files in the bucket and in the watched folder. */

/** A file in a tenant's part of the bucket or the watched folder. */
export interface UploadPlace {
  readonly tenant: string;
  /** `external_id/name.jpg`, or `name.jpg` without an external id. Deeper folders are part of the name. */
  readonly path: string;
}

/** Prefix of the keys of all tenants' files in the bucket. */
export const uploadsFolder = 'uploads/';
const imageName = /\.(jpe?g|png|webp|gif|avif|tiff?|hei[cf])$/i;
const manifestName = /\.jsonl?$/i;

/** Parses the key of an object in the bucket, `uploads/{tenant}/{path}`. null when the key has another form. */
export function uploadOfKey(key: string): UploadPlace | null {
  if (!key.startsWith(uploadsFolder)) return null;
  const rest = key.slice(uploadsFolder.length);
  const slash = rest.indexOf('/');
  if (slash < 1) return null;
  const place = { tenant: rest.slice(0, slash), path: rest.slice(slash + 1) };
  return isTenantName(place.tenant) && isUploadPath(place.path) ? place : null;
}

/** The key of a file in the bucket. The inverse of `uploadOfKey`. */
export const keyOfUpload = ({ tenant, path }: UploadPlace): string => `${uploadsFolder}${tenant}/${path}`;

/** true when the path does not leave its folder and names no hidden file. Hidden files are, for example, unfinished copies. */
export function isUploadPath(path: string): boolean {
  return path.length <= 900 && !/[\\\p{Cc}\p{Cs}]/u.test(path) && path.split('/').every((part) => /^[^.]/.test(part));
}

/** true when the name is that of an image, which is to be enrolled. */
export const isImagePath = (path: string): boolean => imageName.test(path);

/** true when the name is that of a manifest, which lists the items of a batch. */
export const isManifestPath = (path: string): boolean => manifestName.test(path);

/** A person that the name of a folder stands for. */
export interface FolderPerson {
  /** The folder's name in Unicode form NFC, because some systems write umlauts as two characters. */
  readonly externalId: string;
  /** The same with spaces for underscores: `Ana_María` is `Ana María`. */
  readonly name: string;
}

/**
 * The person of a file's folder, null for a file outside of every folder. The first folder of the path names the person; deeper folders do
 * not matter.
 *
 * [Note: One rule from folder to person]
 * `npm run import`, the watched folder and the bucket all use this rule, so the same folder is the same person whichever way it comes.
 * The external id is the name as it is: a change of case or of accents would join people that their owner keeps apart, and a client
 * could not compute the id for its own system.
 */
export function personOfPath(path: string): FolderPerson | null {
  const slash = path.indexOf('/');
  if (slash < 1) return null;
  const externalId = path.slice(0, slash).normalize('NFC');
  const name = externalId.replaceAll('_', ' ').trim();
  return { externalId, name: name === '' ? externalId : name };
}

/**
 * Parses the path of a file in the watched folder: `{tenant}/{external_id}/name.jpg`, or `{external_id}/name.jpg` and `name.jpg` for
 * the tenant `fallback`. null when the tenant's name is invalid or the file is hidden.
 */
export function uploadOfFile(relativePath: string, fallback: string): UploadPlace | null {
  const parts = relativePath.split('/');
  const place =
    parts.length <= 2
      ? { tenant: fallback, path: relativePath }
      : { tenant: parts[0]!, path: parts.slice(1).join('/') };
  return isTenantName(place.tenant) && isUploadPath(place.path) ? place : null;
}

/** Paths in the watched folder at which the file can be, the more likely path first. */
export function filesOfUpload({ tenant, path }: UploadPlace, fallback: string): string[] {
  const own = path.includes('/') ? [`${tenant}/${path}`] : [];
  return tenant === fallback && path.split('/').length <= 2 ? [...own, path] : own;
}

const isTenantName = (name: string): boolean => /^[a-z0-9_-]{1,64}$/.test(name);
