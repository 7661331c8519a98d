import { writeSync } from 'node:fs';
import { openAudit } from '../adapters/embedded/audit.ts';
import { systemClock } from '../ports/clock.ts';
import { asTenant } from '../ports/tenant.ts';

/** Appends to the audit log until the test kills it; prints each acknowledged sequence number. Argument: data folder. */
const audit = await openAudit({ dataDir: process.argv[2]!, clock: systemClock });
const worker = async (): Promise<void> => {
  for (;;) {
    const entry = {
      action: 'get-person',
      actor: 'key:one',
      actorName: null,
      subjects: { persons: ['p'], faces: [], images: [], more: 0 },
      status: 200,
      code: null,
      address: null,
      requestId: 'r',
      details: {},
    };
    const { sequence } = await audit.append(asTenant('default'), entry, { durable: Math.random() < 0.1 });
    writeSync(1, `${sequence}\n`);
  }
};
await Promise.all([worker(), worker(), worker(), worker()]);
