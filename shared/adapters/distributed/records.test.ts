import { onTestFinished } from 'vitest';
import { recordsContract } from '../../ports/records.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { openRecords } from './records.ts';

describeEngine('scylla', 'distributed records', (settings) => {
  const scylla = testKeyspace(settings);

  recordsContract({
    name: 'contract',
    open: async (clock) => {
      let records = await openRecords({ engines: { scylla }, clock });
      onTestFinished(() => records.close());
      return {
        records,
        reopen: async () => {
          await records.close();
          records = await openRecords({ engines: { scylla }, clock });
          return records;
        },
      };
    },
  });
});
