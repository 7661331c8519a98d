import { describe } from 'vitest';
import { functions } from '../../../functions/registry.gen.ts';
import { sharedPlatform } from '../platform.ts';
import { endToEnd } from './index.ts';

const receiverHost = '127.0.0.1';

describe('the API from end to end', () => {
  const platform = sharedPlatform(functions, {
    settings: { FREEFACE_WEBHOOK_ALLOW: receiverHost, FREEFACE_RATE_LIMIT_LOGIN: '0' },
  });

  endToEnd(() => ({ url: platform().url, adminKey: platform().adminKey!, receiverHost }));
});
