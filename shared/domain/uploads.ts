/** How files of the bucket and of the watched folder are named. */

/** A file within a tenant's part. */
export interface UploadPlace {
  readonly tenant: string;
  /** `external_id/name.jpg`, or `name.jpg` for nobody in particular; deeper folders are part of the name. */
  readonly path: string;
}

/** Where files of all tenants lie in the bucket. */
export const uploadsFolder = 'uploads/';
const imageName = /\.(jpe?g|png|webp|gif|avif|tiff?|hei[cf])$/i;
const manifestName = /\.jsonl?$/i;

/** Where an object of the bucket belongs, `uploads/{tenant}/{path}`; null: nowhere here. */
export function uploadOfKey(key: string): UploadPlace | null {
  if (!key.startsWith(uploadsFolder)) return null;
  const rest = key.slice(uploadsFolder.length);
  const slash = rest.indexOf('/');
  if (slash < 1) return null;
  const place = { tenant: rest.slice(0, slash), path: rest.slice(slash + 1) };
  return isTenantName(place.tenant) && isUploadPath(place.path) ? place : null;
}

export const keyOfUpload = ({ tenant, path }: UploadPlace): string => `${uploadsFolder}${tenant}/${path}`;

/** Whether a path stays where it begins, and names no hidden file: those are unfinished copies and the like. */
export function isUploadPath(path: string): boolean {
  return path.length <= 900 && !/[\\\p{Cc}\p{Cs}]/u.test(path) && path.split('/').every((part) => /^[^.]/.test(part));
}

/** Whether a file is to be enrolled, by its name. */
export const isImagePath = (path: string): boolean => imageName.test(path);

/** Whether a file may list the items of a batch, by its name. */
export const isManifestPath = (path: string): boolean => manifestName.test(path);

/** Whom a path names: its first folder. In NFC, since some systems write umlauts as two characters. */
export function externalIdOfPath(path: string): string | undefined {
  const slash = path.indexOf('/');
  return slash < 1 ? undefined : path.slice(0, slash).normalize('NFC');
}

/**
 * Where a file of the watched folder belongs: `{tenant}/{external_id}/name.jpg`, or `{external_id}/name.jpg` and `name.jpg` for
 * `fallback`. null: its tenant cannot be one, or it is hidden.
 */
export function uploadOfFile(relativePath: string, fallback: string): UploadPlace | null {
  const parts = relativePath.split('/');
  const place =
    parts.length <= 2
      ? { tenant: fallback, path: relativePath }
      : { tenant: parts[0]!, path: parts.slice(1).join('/') };
  return isTenantName(place.tenant) && isUploadPath(place.path) ? place : null;
}

/** Where the file of a place may lie under the watched folder, the likelier first. */
export function filesOfUpload({ tenant, path }: UploadPlace, fallback: string): string[] {
  const own = path.includes('/') ? [`${tenant}/${path}`] : [];
  return tenant === fallback && path.split('/').length <= 2 ? [...own, path] : own;
}

const isTenantName = (name: string): boolean => /^[a-z0-9_-]{1,64}$/.test(name);
