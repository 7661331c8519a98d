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
    open: (clock) => {
      const options = { engines: { scylla }, clock };
      return {
        imports: () => openImports(options),
        ports: {
          records: () => openRecords(options),
          accounts: () => openAccounts(options),
          webhooks: () => openWebhooks(options),
          audit: () => openAudit(options),
        },
      };
    },
  });
});
