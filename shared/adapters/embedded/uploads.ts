import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { filesOfUpload, isUploadPath, uploadOfFile } from '../../domain/uploads.ts';
import { AppError } from '../../errors.ts';
import { asTenant, defaultTenant, isTenant, type Tenant } from '../../ports/tenant.ts';
import type { UploadedFile, Uploads } from '../../ports/uploads.ts';
import type { StoreOptions } from './store-options.ts';
import { openWatchedFolder } from './watched-folder.ts';

export interface UploadsOptions extends StoreOptions {
  /** Absolute path; null: no folder is watched. */
  readonly watchDir: string | null;
  /** A file counts as finished if it has not changed for this time, in milliseconds. Default 2000. */
  readonly finishedAfterMs?: number;
}

/** The watched folder. Its files are `{tenant}/{external_id}/name.jpg`, or `{external_id}/name.jpg` for the default tenant. */
export async function openUploads(options: UploadsOptions): Promise<Uploads> {
  if (options.watchDir === null) return nothing;
  const folder = await openWatchedFolder(options.watchDir, options.dataDir);
  return uploadsIn(await realpath(options.watchDir), folder, options);
}

const nothing: Uploads = {
  enabled: false,
  find: async () => null,
  read: async () => null,
  async *files() {},
  watch: async () => async () => undefined,
  close: async () => undefined,
};

function uploadsIn(
  root: string,
  folder: { require(): Promise<void> },
  { clock, log, finishedAfterMs = 2000 }: UploadsOptions,
): Uploads {
  const stops = new Set<() => Promise<void>>();

  /** Opens a regular file inside the folder; null if it does not exist, or if a link leads out of the folder. */
  async function locate(tenant: Tenant, path: string): Promise<FileHandle | null> {
    await folder.require();
    if (!isUploadPath(path)) return null;
    for (const name of filesOfUpload({ tenant, path }, defaultTenant)) {
      const real = await realpath(join(root, name)).catch(absent);
      if (real === null || !real.startsWith(root + sep)) continue;
      const handle = await open(real, 'r').catch(absent);
      if (handle === null) continue;
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
    }
    // The folder itself may be missing.
    await folder.require();
    return null;
  }

  return {
    enabled: true,

    async find(tenant, path, { signal } = {}) {
      signal?.throwIfAborted();
      const handle = await locate(tenant, path);
      if (handle === null) return null;
      try {
        return describe(await handle.stat());
      } finally {
        await handle.close();
      }
    },

    async read(tenant, path, { most, signal }) {
      signal?.throwIfAborted();
      const handle = await locate(tenant, path);
      if (handle === null) return null;
      try {
        const before = describe(await handle.stat());
        if (before.bytes > most) throw new AppError('IMAGE_TOO_LARGE');
        const bytes = await handle.readFile();
        if (describe(await handle.stat()).version !== before.version || bytes.length !== before.bytes) {
          throw new AppError('STORE_UNAVAILABLE', { message: 'The file is being written.' });
        }
        return { file: before, bytes };
      } finally {
        await handle.close();
      }
    },

    async *files({ signal } = {}) {
      await folder.require();
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      let strays = 0;
      for (const entry of entries) {
        signal?.throwIfAborted();
        if (!entry.isFile()) continue;
        const name = relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, '/');
        const place = uploadOfFile(name, defaultTenant);
        if (place === null && isUploadPath(name)) strays += 1;
        const stats = place === null ? null : await stat(join(root, name)).catch(absent);
        if (place === null || stats === null) continue;
        const version = clock.now() - stats.mtimeMs < finishedAfterMs ? null : describe(stats).version;
        yield { tenant: asTenant(place.tenant), path: place.path, version };
      }
      if (strays > 0) log?.warn({ files: strays }, 'files are ignored: their folders do not have the name of a tenant');
      await folder.require();
    },

    async watch(changed) {
      const { watch } = await import('chokidar');
      const watcher = watch(root, {
        ignoreInitial: true,
        awaitWriteFinish: { stabilityThreshold: finishedAfterMs, pollInterval: Math.min(200, finishedAfterMs) },
        followSymlinks: false,
        ignored: (path) => path !== root && /^\./.test(path.slice(path.lastIndexOf(sep) + 1)),
      });
      const tell = (path: string) => {
        const name = relative(root, path).replaceAll(sep, '/');
        const place = uploadOfFile(name, defaultTenant);
        if (place !== null && isTenant(place.tenant)) changed(asTenant(place.tenant), place.path);
        else
          log?.warn(
            { depth: name.split('/').length },
            'a file of the watched folder is ignored: its folder does not have the name of a tenant',
          );
      };
      watcher.on('add', tell).on('change', tell).on('unlink', tell);
      watcher.on('error', (error) =>
        log?.error({ err: error }, 'the watched folder cannot be watched; reconcile-uploads finds its changes later'),
      );
      await new Promise<void>((resolve) => watcher.once('ready', resolve));
      const stop = async () => {
        stops.delete(stop);
        await watcher.close();
      };
      stops.add(stop);
      return stop;
    },

    async close() {
      for (const stop of stops) await stop();
    },
  };
}

const describe = ({ size, mtimeMs }: { size: number; mtimeMs: number }): UploadedFile => ({
  version: `${size}-${Math.round(mtimeMs)}`,
  bytes: size,
  metadata: {},
});

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP') return null;
  throw new AppError('STORE_UNAVAILABLE', { message: 'The watched folder cannot be read.', cause: error });
}
