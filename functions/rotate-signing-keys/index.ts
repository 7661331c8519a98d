import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { rotateSigningKey } from '../../shared/identity/tokens.ts';

const day = 24 * 60 * 60_000;
/** Age at which the newest key is replaced, in milliseconds. Its public key stays published, so old signatures can be verified for ever. */
const maxAgeMs = 30 * day;

export default defineFunction(
  {
    name: 'rotate-signing-keys',
    summary: 'Create a new signing key when the newest one is 30 days old',
    trigger: { kind: 'cron', everyMinutes: 24 * 60, atStart: true },
    uses: ['accounts'],
    ...sizes.background,
  },
  async ({ clock }, { accounts }) => ({ added: Number(await rotateSigningKey({ accounts, clock }, maxAgeMs)) }),
);
