import { type GallerySize, gallerySizeOf } from '../domain/gallery-size.ts';
import type { Ports } from '../ports/index.ts';
import type { Tenant } from '../ports/tenant.ts';

type SizePorts = Pick<Ports, 'vectors' | 'extractor'>;

/** Time after which a store counts as one that does not answer, in milliseconds. */
const patienceMs = 2000;

/** Counts the tenant's templates of the default model pack that belong to a person. The count may be some seconds old. */
export async function gallerySize(
  tenant: Tenant,
  { vectors, extractor }: SizePorts,
  signal: AbortSignal,
): Promise<GallerySize & { readonly pack: string }> {
  const pack = await extractor.describe(undefined, { signal });
  const { assigned } = await vectors.count(tenant, pack, { consistency: 'bounded', signal });
  return { pack: pack.pack, ...gallerySizeOf(pack.calibration, assigned) };
}

/** As `gallerySize`; null if a store does not answer within two seconds. */
export async function gallerySizeIfKnown(
  tenant: Tenant,
  ports: SizePorts,
  signal: AbortSignal,
): Promise<GallerySize | null> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  return await gallerySize(tenant, ports, soon).catch(() => {
    signal.throwIfAborted();
    return null;
  });
}
