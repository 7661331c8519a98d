import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { config as loadDotenv } from 'dotenv';
import { functions } from '../../functions/registry.gen.ts';
import { distributedOpeners } from '../../shared/adapters/distributed/index.ts';
import { openDataFolder } from '../../shared/adapters/embedded/data-folder.ts';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { type Config, readConfig, unknownSettings } from '../../shared/config.ts';
import { createContext } from '../../shared/function/context.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { tryAddress } from '../../shared/runtime/address.ts';
import { openersOf } from '../../shared/runtime/engine.ts';
import { adminKeyPath } from '../../shared/runtime/first-start.ts';
import { stopOnSignal } from '../../shared/runtime/lifecycle.ts';
import { type RunningPlatform, runLocally } from '../../shared/runtime/local.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';
import { reportProgress } from '../../shared/vision/weights/progress.ts';
import { removeUnusedFiles } from './unused-files.ts';
import { hideEd25519Warning } from './warnings.ts';

/** Runs the whole platform in this process until a signal stops it. Checks the settings before it builds models. */
export async function startPlatform(): Promise<void> {
  hideEd25519Warning();
  loadDotenv({ quiet: true });
  const config = readConfig(process.env);
  const engines = { embedded: embeddedOpeners, distributed: distributedOpeners };
  const openers = openersOf(config, engines, Object.keys(embeddedOpeners) as PortName[]);
  openDataFolder(config.dataDir);
  await tryAddress(config);
  if (config.mode === 'embedded' || config.extractorUrl === null) await prepareModels(config);
  await makeInstallationSmaller();
  const context = createContext(config);
  for (const problem of unknownSettings(process.env)) context.log.warn(problem);
  const platform = await runLocally(functions, openers, context);
  stopOnSignal(platform, context);
  process.stdout.write(greeting(platform, config));
}

/** The first start builds or downloads the weights. Every start checks the weights before it listens. */
async function prepareModels(config: Config): Promise<void> {
  const reporter = reportProgress(process.stderr);
  try {
    for (const pack of config.packs) await ensurePack(pack, { ...config, progress: reporter.report });
  } finally {
    reporter.stop();
  }
}

/** Deletes files for other platforms from a production install. See: [Note: The biggest packages] */
async function makeInstallationSmaller(): Promise<void> {
  const megabytes = Math.round((await removeUnusedFiles(join(process.cwd(), 'node_modules'))) / 1e6);
  if (megabytes > 0)
    process.stderr.write(
      `Removed ${megabytes} MB from node_modules that this platform does not use. \`npm ci\` restores them.\n`,
    );
}

function greeting({ host, port }: RunningPlatform, { mode, dataDir, packs }: Config): string {
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const keyFile = adminKeyPath(dataDir);
  const hasKey = existsSync(keyFile);
  const bold = (text: string) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[1m${text}\x1b[0m` : text);
  return `
${bold(`FreeFace is ready at ${address}`)}
  data       ${mode === 'embedded' ? dataDir : 'on the engines'}
  models     ${packs.join(', ')}
  API page   ${address}/docs
  admin key  ${hasKey ? keyFile : 'not in this data folder; npm run admin-key creates a new one'}

Try it:
  KEY=${hasKey ? `$(cat ${quoted(keyFile)})` : '…'}
  curl -s ${address}/api/v1/auth/me -H "X-API-Key: $KEY"
  curl -s -H "X-API-Key: $KEY" -F image=@photo.jpg -F external_id=ada -F name="Ada Lovelace" ${address}/api/v1/faces/enroll
  curl -s -H "X-API-Key: $KEY" -F image=@another.jpg ${address}/api/v1/faces/recognize

Ctrl-C stops the platform. All data is kept.

`;
}

/** A path, quoted for the shell when necessary. */
const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
