import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';

/** Where Kubernetes puts what a pod of an account needs to talk to it. */
export const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
const patchMs = 10_000;

/** A Secret of the pod's own namespace that is there already. */
export interface PodSecret {
  /** Resolves when the account may write it. Errors: Error with what Kubernetes says. */
  check(): Promise<void>;
  /** Puts texts under these keys; others stay. Errors as above. */
  put(texts: Readonly<Record<string, string>>): Promise<void>;
}

/** `folder`: of what the pod's account has been given. Errors: Error where this is no pod, or one whose account has no token. */
export async function openSecret(name: string, environment: NodeJS.ProcessEnv, folder: string): Promise<PodSecret> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const read = (file: string) =>
    readFile(join(folder, file), 'utf8').catch((cause: unknown) => {
      throw new Error(`A Secret can be written from a pod whose account has a token; ${file} is not there.`, { cause });
    });
  const [token, ca, namespace] = await Promise.all(['token', 'ca.crt', 'namespace'].map(read));
  if (!host || !port) throw new Error('A Secret can be written from a pod; KUBERNETES_SERVICE_HOST is not set.');

  const patch = (texts: Readonly<Record<string, string>>, query: string) =>
    new Promise<void>((resolve, reject) => {
      const call = request({
        method: 'PATCH',
        host,
        port,
        path: `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(name)}${query}`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' },
        ca,
        signal: AbortSignal.timeout(patchMs),
      });
      const refuse = (why: string) => reject(new Error(`The Secret ${name} cannot be written: ${why}`));
      call.on('error', ({ message }) => refuse(message));
      call.on('response', (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        answer.on('error', ({ message }) => refuse(message));
        // Of a Secret that was written the answer is the Secret; of another it says why, and nothing of what is in it.
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : refuse(body)));
      });
      const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      call.end(JSON.stringify({ data: Object.fromEntries(data) }));
    });

  return {
    check: () => patch({}, '?dryRun=All'),
    put: (texts) => patch(texts, ''),
  };
}
