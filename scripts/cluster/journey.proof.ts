import { describe, inject } from 'vitest';
import { endToEnd } from '../../shared/testing/end-to-end/index.ts';
import { saw } from './kubernetes.ts';

describe('the API from end to end, through the gateway', () => {
  endToEnd(() => ({
    url: inject('gateway'),
    adminKey: inject('adminKey'),
    receiverHost: inject('receiverHost'),
    report: saw,
  }));
});
