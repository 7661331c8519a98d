import { importsContract } from '../../ports/imports.contract.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openAccounts } from './accounts.ts';
import { openAudit } from './audit.ts';
import { openImports } from './imports.ts';
import { openRecords } from './records.ts';
import { openWebhooks } from './webhooks.ts';

importsContract({
  name: 'embedded imports',
  open: (clock) => {
    const dataDir = temporaryFolder();
    const options = { dataDir, clock };
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
