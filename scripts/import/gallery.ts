import * as z from 'zod';
import { galleryState } from '../../shared/api/gallery-size.ts';
import { readData, type Server } from './client.ts';

/** Size of the server's gallery, from `GET metrics`. */
export interface Gallery {
  readonly templates: number;
  readonly limit: number | null;
  /** 0..1. */
  readonly expectedMissRate: number | null;
  readonly state: z.output<typeof galleryState>;
  readonly pack: string;
}

const metricsSchema = z.object({
  gallery: z.object({
    templates: z.number(),
    template_limit: z.number().nullable(),
    expected_miss_rate: z.number().nullable(),
    state: galleryState,
  }),
  model: z.object({ pack: z.string() }),
});

/** Returns null if the server does not say it: the key may not read metrics, or the server is older. */
export async function readGallery(server: Server): Promise<Gallery | null> {
  const metrics = await readData(server, 'metrics', metricsSchema);
  if (metrics === null) return null;
  const { templates, template_limit: limit, expected_miss_rate: expectedMissRate, state } = metrics.gallery;
  return { templates, limit, expectedMissRate, state, pack: metrics.model.pack };
}

/** One paragraph for people, without a line break at the end. */
export function describeGallery(gallery: Gallery | null): string {
  if (gallery === null)
    return 'The size of the gallery is not known. To show it here, use a key with the scope metrics:read.';
  const { templates, limit, expectedMissRate, state, pack } = gallery;
  const size = `The gallery has ${templates} ${templates === 1 ? 'template' : 'templates'} of persons`;
  if (expectedMissRate === null) return `${size}. The limit of the model pack ${pack} was not measured.`;
  const missed = `About ${percent(expectedMissRate)} of the enrolled people are not recognised at this size.`;
  if (limit === null) return `${size}. ${missed}`;
  const used = `${size}: ${percent(templates / Math.max(1, limit))} of the limit of the model pack ${pack} (${limit}).`;
  return state === 'beyond_limit' ? `${used} ${missed} Use a stronger model pack.` : `${used} ${missed}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
