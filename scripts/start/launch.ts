import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allocator } from '../../shared/runtime/allocator.ts';

/** Whether this process may be the platform: its allocator is set, or cannot be. See: [Note: The allocator] */
export function allocatorIsSet(environment: NodeJS.ProcessEnv): boolean {
  return process.platform !== 'linux' || Object.keys(allocator).some((name) => environment[name] !== undefined);
}

/**
 * Runs this same program again under those settings; resolves to its exit code. Asked to stop, or killed, this process lets
 * go of the channel, and the other stops as it does for a signal. See: stopOnSignal
 */
export function launch(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, ...allocator },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const letGo = () => {
    if (child.connected) child.disconnect();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (child.connected) letGo();
      else child.kill(signal);
    });
  }
  whenNpmIsGone(letGo);
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
  });
}

/** npm runs a script in a shell, and neither passes on that it was killed: the shell's parent tells. */
function whenNpmIsGone(act: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    act();
  }, 1000);
  timer.unref();
}

function parentOf(pid: number): string | undefined {
  try {
    return /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
