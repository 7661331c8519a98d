import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Config } from '../../shared/config.ts';
import { adminKeyPath } from '../../shared/runtime/first-start.ts';
import { ensurePack } from '../../shared/vision/weights/ensure.ts';

/** A process that serves HTTP, with its start-up time. */
export interface Started {
  readonly url: string;
  /** Headers with the admin key; empty when the process has no admin key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly child: ChildProcess;
  /** Milliseconds from the start of the process to its first 200 response. */
  readonly readyMs: number;
  /** CPU milliseconds that it had used until then; null when the system does not report them. */
  readonly cpuMs: number | null;
  stop(): Promise<void>;
}

/** Creates data folders that contain only the weights. `dispose` deletes the folders, but not the weights. */
export async function dataFolders({
  dataDir,
  modelsDir,
  packs,
}: Config): Promise<{ fresh(): string; dispose(): void }> {
  for (const pack of packs) await ensurePack(pack, { dataDir, modelsDir });
  const root = mkdtempSync(join(tmpdir(), 'freeface-bench-'));
  return {
    fresh() {
      const folder = mkdtempSync(join(root, 'data-'));
      symlinkSync(resolve(dataDir, 'models'), join(folder, 'models'));
      return folder;
    },
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

/**
 * Starts `command` in a separate process and waits until `path` answers with 200. `say` matches the line that the process prints when it
 * listens; its first group is the address or the port. Throws an error with the output when the process ends before that.
 */
export async function start(
  command: readonly string[],
  { environment, say, path }: { environment: Readonly<Record<string, string>>; say: RegExp; path: string },
): Promise<Started> {
  const began = performance.now();
  const child = spawn(process.execPath, command, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const url = await addressOf(child, say);
  while (!(await answers(`${url}${path}`))) await new Promise((done) => setTimeout(done, 2));
  return {
    url,
    headers: credentials(environment.FREEFACE_DATA),
    child,
    readyMs: performance.now() - began,
    cpuMs: cpuOf(child.pid!),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function credentials(dataDir: string | undefined): Record<string, string> {
  const path = adminKeyPath(dataDir ?? '');
  return existsSync(path) ? { 'x-api-key': readFileSync(path, 'utf8').trim() } : {};
}

/** Resident memory of a process and its descendants, in MB; null when the system does not report it. */
export function residentMegabytes(pid: number): number | null {
  try {
    return sumOverFamily(pid, (member) => {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${member}/status`, 'utf8'))!;
      return Number(kilobytes) / 1024;
    });
  } catch {
    return null;
  }
}

function sumOverFamily(pid: number, measure: (pid: number) => number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.reduce((sum, child) => sum + sumOverFamily(Number(child), measure), measure(pid));
}

function addressOf(child: ChildProcess, say: RegExp): Promise<string> {
  return new Promise((done, fail) => {
    let written = '';
    const look = (chunk: Buffer) => {
      written += chunk.toString();
      const found = say.exec(written);
      if (found) done(found[1]!.startsWith('http') ? found[1]! : `http://127.0.0.1:${found[1]}`);
    };
    child.stdout!.on('data', look);
    child.stderr!.on('data', look);
    child.once('exit', (code) => fail(new Error(`The process ended with ${code}:\n${written.slice(-2000)}`)));
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * User and system CPU time of a process and its descendants, in milliseconds, with a resolution of 10 ms; null when the system does not
 * report it.
 */
export function cpuOf(pid: number): number | null {
  try {
    return sumOverFamily(pid, (member) => {
      const fields = readFileSync(`/proc/${member}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    });
  } catch {
    return null;
  }
}
