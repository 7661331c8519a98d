import { createHash } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { CallContext } from '../function/define.ts';
import type { Ports } from '../ports/index.ts';
import type { Job } from '../ports/records/jobs.ts';

/** An image that is already stored: in the gallery, or as a file in the bucket or the watched folder. */
export type ImageSource = { readonly image_id: string } | { readonly path: string };

type SourcePorts = Pick<Ports, 'records' | 'images' | 'uploads'>;
type Caller = Pick<CallContext, 'tenant' | 'signal' | 'config'>;

/** The bytes of a job's image. Errors: IMAGE_NOT_FOUND, IMAGE_EXPIRED; UPLOAD_NOT_FOUND if the file is missing or has changed. */
export async function imageOfJob(job: Job, caller: Caller, ports: SourcePorts): Promise<Uint8Array> {
  const source = job.request?.source as ({ readonly digest: string } & ImageSource) | undefined;
  if (source === undefined) {
    const image = await ports.images.get(caller.tenant, job.imageKey, { signal: caller.signal });
    if (image === null) throw new AppError('IMAGE_NOT_FOUND', { message: 'The image of the job no longer exists.' });
    return image;
  }
  const image = await imageAt(source, caller, ports);
  if (createHash('sha256').update(image).digest('hex') === source.digest) return image;
  throw hasChanged();
}

const hasChanged = (cause?: unknown) =>
  new AppError('UPLOAD_NOT_FOUND', { message: 'The file has changed since the job was created.', cause });

async function imageAt(source: ImageSource, caller: Caller, ports: SourcePorts): Promise<Uint8Array> {
  const { tenant, signal, config } = caller;
  if ('path' in source) {
    const found = await ports.uploads
      .read(tenant, source.path, { most: config.maxImageBytes, signal })
      .catch((error: unknown) => {
        // The accepted file was within the limit, so this is another file.
        throw error instanceof AppError && error.code === 'IMAGE_TOO_LARGE' ? hasChanged(error) : error;
      });
    if (found === null) throw new AppError('UPLOAD_NOT_FOUND');
    return found.bytes;
  }
  const image = await ports.records.getImage(tenant, source.image_id, { signal });
  if (image === null) throw new AppError('IMAGE_NOT_FOUND');
  if (image.expiredAt !== null) throw new AppError('IMAGE_EXPIRED');
  const bytes = await ports.images.get(tenant, image.blobKey, { signal });
  if (bytes === null) throw new AppError('IMAGE_NOT_FOUND');
  return bytes;
}
