import { parseArgs } from 'node:util';
import { main as adminKey } from '../admin-key.ts';
import { isUsageError, UsageError } from '../command-line/usage-error.ts';
import type { Terminal } from '../migrate/terminal.ts';
import { main as migrate } from '../migrate.ts';
import { accountFolder, openSecret } from './pod-secret.ts';

const usage = `Usage: COMMAND [OPTIONS]

  migrate …                   as npm run migrate, but for a copy, which needs a data folder
  admin-key                   as npm run admin-key
  admin-key --secret NAME     puts the key as "key" into this Secret of the pod's namespace, which has to be there; the pod's account
                              may patch it. Nothing is printed but its name
`;

/** What the image `command-line` runs: answers the exit code. `account`: folder of what the pod's account has been given. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  account = accountFolder,
): Promise<number> {
  const [command, ...rest] = args;
  // What keeps things in a folder is not in the image.
  const onEngines = { ...environment, FREEFACE_MODE: 'distributed' };
  try {
    if (command === 'migrate' && rest[0] !== 'copy') return await migrate(rest, onEngines, terminal);
    if (command === 'admin-key') return await keyOf(rest, onEngines, terminal, account);
    throw new UsageError(command === 'migrate' ? 'A copy is made from a checkout.' : 'Say what to do.');
  } catch (error) {
    const { message } = error as Error;
    terminal.stderr.write(isUsageError(error) ? `${message}\n\n${usage}` : `${message}\n`);
    return isUsageError(error) ? 2 : 1;
  }
}

/**
 * [Note: The first key goes into a Secret]
 * What a pod prints is kept by whoever collects logs, and this key may do everything. So it goes where a cluster keeps secrets, by
 * an account that may write this one Secret and read none. Whether it may is asked first: making a key revokes the one before.
 */
async function keyOf(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  account: string,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], strict: false, options: { secret: { type: 'string' } } });
  const { secret: name } = values;
  if (name === undefined) return await adminKey(args, environment, terminal);
  if (typeof name !== 'string' || args.length > 2) throw new UsageError('Say which Secret, and nothing else.');
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
