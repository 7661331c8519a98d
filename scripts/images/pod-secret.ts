import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';

/** Folder in which Kubernetes puts the credentials of a pod's account. */
export const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
const patchMs = 10_000;

/** An existing Secret in the pod's own namespace. */
export interface PodSecret {
  /** Resolves if the account may write the Secret. Errors: Error with the response of Kubernetes. */
  check(): Promise<void>;
  /** Writes texts under these keys and keeps the other keys. Errors: the same as for `check`. */
  put(texts: Readonly<Record<string, string>>): Promise<void>;
}

/** `folder`: the credentials of the pod's account. Errors: Error if this is not a pod, or if its account has no token. */
export async function openSecret(name: string, environment: NodeJS.ProcessEnv, folder: string): Promise<PodSecret> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const read = (file: string) =>
    readFile(join(folder, file), 'utf8').catch((cause: unknown) => {
      throw new Error(`Only a pod whose account has a token can write a Secret; the file ${file} is missing.`, {
        cause,
      });
    });
  const [token, ca, namespace] = await Promise.all(['token', 'ca.crt', 'namespace'].map(read));
  if (!host || !port)
    throw new Error('Only a pod can write a Secret; KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set.');

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
        // After a write the response has the Secret. After a failure it has the reason and no content of the Secret.
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
