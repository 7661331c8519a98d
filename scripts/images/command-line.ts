import { parseArgs } from 'node:util';
import { main as adminKey } from '../admin-key.ts';
import { isUsageError, UsageError } from '../command-line/usage-error.ts';
import type { Terminal } from '../migrate/terminal.ts';
import { main as migrate } from '../migrate.ts';
import { accountFolder, openSecret } from './pod-secret.ts';

const usage = `Usage: COMMAND [OPTIONS]

  migrate …                   the same as npm run migrate, without copy, which needs a data folder
  admin-key                   the same as npm run admin-key
  admin-key --secret NAME     writes the key as "key" into this Secret of the pod's namespace. The Secret must exist, and the pod's account
                              must be allowed to patch it. Prints only the Secret's name
`;

/** The program of the image `command-line`. Returns the exit code. `account`: folder with the credentials of the pod's account. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  account = accountFolder,
): Promise<number> {
  const [command, ...rest] = args;
  // The image does not contain the embedded adapters.
  const distributed = { ...environment, FREEFACE_MODE: 'distributed' };
  try {
    if (command === 'migrate' && rest[0] !== 'copy') return await migrate(rest, distributed, terminal);
    if (command === 'admin-key') return await runAdminKey(rest, distributed, terminal, account);
    throw new UsageError(
      command === 'migrate'
        ? 'This image cannot copy: run npm run migrate -- copy from a checkout.'
        : 'Name a command: migrate or admin-key.',
    );
  } catch (error) {
    const { message } = error as Error;
    terminal.stderr.write(isUsageError(error) ? `${message}\n\n${usage}` : `${message}\n`);
    return isUsageError(error) ? 2 : 1;
  }
}

/**
 * [Note: The first key goes into a Secret]
 * A pod's output goes into the collected logs, and this key has all scopes. So the job writes it to a Secret. The job's account may
 * write this one Secret and may read none. The job first checks that it may write the Secret, because a new key revokes the old one.
 */
async function runAdminKey(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  account: string,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], strict: false, options: { secret: { type: 'string' } } });
  const { secret: name } = values;
  if (name === undefined) return await adminKey(args, environment, terminal);
  if (typeof name !== 'string' || args.length > 2)
    throw new UsageError('Name the Secret after --secret, and give no other arguments.');
  const secret = await openSecret(name, environment, account);
  await secret.check();
  let key = '';
  const write = (text: string | Uint8Array) => {
    key += String(text);
    return true;
  };
  const code = await adminKey(['--print'], environment, { stdout: { write }, stderr: terminal.stderr });
  if (code !== 0) return code;
  await secret.put({ key: key.trim() });
  terminal.stdout.write(`The key is in the Secret ${name}.\n`);
  return 0;
}
