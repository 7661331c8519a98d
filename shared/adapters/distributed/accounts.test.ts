import { onTestFinished } from 'vitest';
import { accountsContract } from '../../ports/accounts.contract.ts';
import { describeEngine } from '../../testing/engine.ts';
import { testKeyspace } from '../../testing/scylla-keyspace.ts';
import { openAccounts } from './accounts.ts';

describeEngine('scylla', 'distributed accounts', (settings) => {
  const scylla = testKeyspace(settings);

  accountsContract({
    name: 'contract',
    open: async (clock) => {
      let accounts = await openAccounts({ engines: { scylla }, clock });
      onTestFinished(() => accounts.close());
      return {
        accounts,
        reopen: async () => {
          await accounts.close();
          accounts = await openAccounts({ engines: { scylla }, clock });
          return accounts;
        },
      };
    },
  });
});
