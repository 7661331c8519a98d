import type { Accounts } from './accounts.ts';
import type { Audit } from './audit.ts';
import type { Cache } from './cache.ts';
import type { Events } from './events.ts';
import type { Extractor } from './extractor.ts';
import type { Images } from './images.ts';
import type { Records } from './records.ts';
import type { Vectors } from './vectors.ts';

/** Everything a function can ask for in `uses`. */
export interface Ports {
  readonly records: Records;
  readonly vectors: Vectors;
  readonly images: Images;
  readonly events: Events;
  readonly cache: Cache;
  readonly extractor: Extractor;
  readonly accounts: Accounts;
  readonly audit: Audit;
}
export type PortName = keyof Ports;
