import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { watch } from 'chokidar';
import { type BuildContext, context } from 'esbuild';
import { common } from '../esbuild.config.mjs';

/** Apart from `.build/dev`, which holds this program itself. */
const outdir = join('.build', 'dev-platform');
/** Folders whose files are part of the program. */
const watched = ['functions', 'shared', 'scripts', 'migrations', 'models', '.env'];

/** `npm run dev`: runs the platform, and rebuilds and restarts it after every change of a source file. Settings as for `npm start`. */
async function main(): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  const program = await bundler();
  let running: ChildProcess | null = null;
  let isBuilding = false;
  let isStale = true;

  async function rebuild(): Promise<void> {
    isStale = true;
    if (isBuilding) return;
    isBuilding = true;
    while (isStale) {
      isStale = false;
      const begun = performance.now();
      const isBuilt = await program.rebuild().then(
        () => true,
        () => false,
      );
      if (!isBuilt) continue;
      await stopped(running);
      say(`built in ${Math.round(performance.now() - begun)} ms`);
      running = start();
    }
    isBuilding = false;
  }

  const files = watch(watched, {
    ignoreInitial: true,
    ignored: (path) => /\.onnx$|\.gen\.|[\\/]cache([\\/]|$)/.test(path),
  });
  files.on('all', () => void rebuild());
  await rebuild();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await files.close();
      await stopped(running);
      await program.dispose();
    });
  }
}

/** esbuild with the settings of `npm start`. It reports errors in a source file on the terminal. */
const bundler = (): Promise<BuildContext> =>
  context({ ...common, entryPoints: [join('scripts', 'start.ts')], outdir, entryNames: '[name]' });

/** Requests that still run get one second to finish, so that a restart is quick. */
const start = (): ChildProcess =>
  spawn(process.execPath, [join(outdir, 'start.js')], {
    stdio: 'inherit',
    env: { FREEFACE_SHUTDOWN_SECONDS: '1', ...process.env },
  });

async function stopped(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

const say = (line: string): void => void process.stderr.write(`dev: ${line}\n`);

await main();
