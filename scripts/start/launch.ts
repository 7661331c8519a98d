import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { allocator } from '../../shared/runtime/allocator.ts';

/** Whether this process can run the platform itself: its allocator is configured, or the system is not Linux. See: [Note: The allocator] */
export function allocatorIsSet(environment: NodeJS.ProcessEnv): boolean {
  return process.platform !== 'linux' || Object.keys(allocator).some((name) => environment[name] !== undefined);
}

/**
 * Runs this program again as a child process with the allocator's settings. Resolves to the child's exit code. When this process receives
 * a signal or is killed, its channel to the child closes, and the child stops as after a signal. See: stopOnSignal
 */
export function launch(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, ...allocator },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const disconnect = () => {
    if (child.connected) child.disconnect();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (child.connected) disconnect();
      else child.kill(signal);
    });
  }
  whenNpmIsGone(disconnect);
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code) => resolve(code ?? 1));
  });
}

/** Calls `act` when npm is killed. npm runs a script in a shell, and neither forwards the kill, so this polls the shell's parent. */
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
