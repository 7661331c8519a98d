import type { Accounts } from './accounts.ts';
import type { Audit } from './audit.ts';
import type { Cache } from './cache.ts';
import type { Events } from './events.ts';
import type { Extractor } from './extractor.ts';
import type { Images } from './images.ts';
import type { Records } from './records.ts';
import type { Uploads } from './uploads.ts';
import type { Vectors } from './vectors.ts';
import type { Webhooks } from './webhooks.ts';

/** All ports. A function names the ones it needs in `uses`. */
export interface Ports {
  readonly records: Records;
  readonly vectors: Vectors;
  readonly images: Images;
  readonly events: Events;
  readonly cache: Cache;
  readonly extractor: Extractor;
  readonly accounts: Accounts;
  readonly audit: Audit;
  readonly uploads: Uploads;
  readonly webhooks: Webhooks;
}
export type PortName = keyof Ports;
