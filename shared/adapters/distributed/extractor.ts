import type { AdapterOptions } from '../../function/adapter-options.ts';
import type { Extractor } from '../../ports/extractor.ts';

/** The function extract-faces where its address is set; otherwise faces are found in this process. */
export async function openExtractor(options: AdapterOptions): Promise<Extractor> {
  const { extractorUrl } = options;
  if (extractorUrl === null) return (await import('../in-process-extractor.ts')).openExtractor(options);
  return (await import('./extractor-client.ts')).openExtractorClient({ ...options, extractorUrl });
}
