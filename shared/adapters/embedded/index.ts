import { adapterOptions } from '../../function/adapter-options.ts';
import type { Openers } from '../../function/ports.ts';

/** All ports, on files in one folder. An adapter and its driver are loaded when the port is opened. */
export const embeddedOpeners = {
  records: async (context) => (await import('./records.ts')).openRecords(adapterOptions(context)),
  vectors: async (context) => (await import('./vectors.ts')).openVectors(adapterOptions(context)),
  images: async (context) => (await import('./images.ts')).openImages(adapterOptions(context)),
  events: async (context) => (await import('./events.ts')).openEvents(adapterOptions(context)),
  cache: async (context) => (await import('./cache.ts')).openCache(adapterOptions(context)),
  extractor: async (context) => (await import('../in-process-extractor.ts')).openExtractor(adapterOptions(context)),
  accounts: async (context) => (await import('./accounts.ts')).openAccounts(adapterOptions(context)),
  audit: async (context) => (await import('./audit.ts')).openAudit(adapterOptions(context)),
  uploads: async (context) => (await import('./uploads.ts')).openUploads(adapterOptions(context)),
  webhooks: async (context) => (await import('./webhooks.ts')).openWebhooks(adapterOptions(context)),
} as const satisfies Openers;
