import { importsContract } from '../../ports/imports.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { openAccounts } from './accounts.ts';
import { openAudit } from './audit.ts';
import { openImports } from './imports.ts';
import { openRecords } from './records.ts';
import { openWebhooks } from './webhooks.ts';

describeEngine('scylla', 'distributed imports', (settings) => {
  const scylla = testKeyspace(settings);

  importsContract({
    name: 'contract',
    open: async (clock) => {
      const options = { engines: { scylla }, clock };
      return {
        async write(work) {
          const imports = await openImports(options);
          await work(imports).finally(() => imports.close());
        },
        async use(work) {
          const records = await openRecords(options);
          const accounts = await openAccounts(options);
          const webhooks = await openWebhooks(options);
          const audit = await openAudit(options);
          try {
            return await work({ records, accounts, webhooks, audit });
          } finally {
            for (const port of [records, accounts, webhooks, audit]) await port.close();
          }
        },
      };
    },
  });
});
