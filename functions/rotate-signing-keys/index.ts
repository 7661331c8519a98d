import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { rotateSigningKey } from '../../shared/identity/tokens.ts';

const day = 24 * 60 * 60_000;
/** The newest key signs for this long; what it signed can be checked for ever. */
const maxAgeMs = 30 * day;

export default defineFunction(
  {
    name: 'rotate-signing-keys',
    summary: 'Make a new signing key when the newest is a month old',
    trigger: { kind: 'cron', everyMinutes: 24 * 60, atStart: true },
    uses: ['accounts'],
    ...sizes.background,
  },
  async ({ clock }, { accounts }) => ({ added: Number(await rotateSigningKey({ accounts, clock }, maxAgeMs)) }),
);
