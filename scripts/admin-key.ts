import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadEnvironment } from 'dotenv';
import { distributedOpeners } from '../shared/adapters/distributed/index.ts';
import { embeddedOpeners } from '../shared/adapters/embedded/index.ts';
import { readConfig } from '../shared/config.ts';
import { createContext } from '../shared/function/context.ts';
import { openPorts } from '../shared/function/ports.ts';
import { openersOf } from '../shared/runtime/engine.ts';
import { adminKeyPath, makeFoundations, newAdminKey, writeAdminKey } from '../shared/runtime/first-start.ts';
import { isUsageError } from './command-line/usage-error.ts';

const usage = `Usage: npm run admin-key [-- --print]

Creates a new admin key, which has all permissions, and revokes the earlier admin key with all keys that were created with it.
Writes the key to admin.key in FREEFACE_DATA, or
with --print to standard output. In distributed mode this command creates the first key for functions that run on other machines. In
embedded mode npm start creates the first key; stop the platform before you run this command.
`;

interface Terminal {
  readonly stdout: Pick<NodeJS.WritableStream, 'write'>;
  readonly stderr: Pick<NodeJS.WritableStream, 'write'>;
}

/** `npm run admin-key`. Resolves to the exit code. */
export async function main(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  { stdout, stderr }: Terminal,
): Promise<number> {
  try {
    const options = { print: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (values.help === true) {
      stdout.write(usage);
      return 0;
    }
    // A program may read standard output, so information logs are off by default.
    const config = readConfig({ LOG_LEVEL: 'warn', ...environment });
    const context = createContext(config);
    const openers = openersOf(config, { embedded: embeddedOpeners, distributed: distributedOpeners }, ['accounts']);
    const { ports, close } = await openPorts(['accounts'], openers, context);
    try {
      await makeFoundations(ports.accounts!, context);
      const { key, keyId } = await newAdminKey(ports.accounts!);
      if (values.print === true) stdout.write(`${key}\n`);
      else {
        const path = adminKeyPath(config.dataDir);
        await writeAdminKey(path, key);
        stdout.write(`${path}: key ${keyId}\n`);
      }
    } finally {
      await close();
    }
    return 0;
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return isUsageError(error) ? 2 : 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  loadEnvironment({ quiet: true });
  process.exitCode = await main(process.argv.slice(2), process.env, process);
}
