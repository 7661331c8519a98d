import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { namespace } from '../manifests/names.ts';

const run = promisify(execFile);

/** Runs kubectl in the namespace of the platform and returns its output. Throws an Error with kubectl's error text. */
export async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run('kubectl', ['--namespace', namespace, ...args], { maxBuffer: 256 * 1024 * 1024 });
  return stdout;
}

/** Applies a folder with its kustomization. Some of its objects are in namespaces other than the platform's. */
export async function applyFolder(folder: string, ...args: string[]): Promise<void> {
  await run('kubectl', ['apply', '--kustomize', folder, ...args], { maxBuffer: 256 * 1024 * 1024 });
}

export async function apply(...objects: object[]): Promise<void> {
  const child = run('kubectl', ['apply', '--filename', '-'], { maxBuffer: 256 * 1024 * 1024 });
  child.child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await child;
}

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** Returns the pods of a function, without those that are terminating. */
export async function podsOf(name: string): Promise<Pod[]> {
  return (await allPodsOf(name)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Returns the pods of a function, including those that are terminating. */
export async function allPodsOf(name: string): Promise<Pod[]> {
  const text = await kubectl('get', 'pods', '--selector', `serving.knative.dev/service=${name}`, '--output', 'json');
  return (JSON.parse(text) as { items: Pod[] }).items;
}

/** Returns the state of every object of a kind, by name: `ready`, or the message of its Ready condition. */
export async function readinessOf(kind: string): Promise<Map<string, string>> {
  const { items } = JSON.parse(await kubectl('get', kind, '--output', 'json')) as {
    items: {
      metadata: { name: string };
      status?: { conditions?: { type: string; status: string; message?: string }[] };
    }[];
  };
  return new Map(
    items.map(({ metadata, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return [metadata.name, ready?.status === 'True' ? 'ready' : (ready?.message ?? 'has no status yet')];
    }),
  );
}

/**
 * Calls `ask` twice a second until it returns a value other than undefined, null or false. Ignores its errors until then. Throws an
 * Error with `what` after `seconds`.
 */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined | null | false>,
  seconds = 120,
): Promise<Value> {
  const end = Date.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const value = await ask();
      if (value !== undefined && value !== null && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`did not happen within ${seconds} s: ${what}`, { cause: last });
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

/** Waits until a function has no instance. */
export const untilGone = (name: string, seconds = 180) =>
  until(`${name} has no instance`, async () => (await allPodsOf(name)).length === 0, seconds);

/** Prints an observation of a check. */
export function saw(what: string): void {
  process.stdout.write(`    saw: ${what}\n`);
}
