import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { adapterFiles } from '../../shared/testing/bundle-rules.ts';
import { temporaryFolder } from '../../shared/testing/temporary-folder.ts';
import { bundleCommandLine } from './bundle.ts';
import { main } from './command-line.ts';
import { openSecret } from './pod-secret.ts';

describe('The image of the command line', () => {
  it('When it is started alone, then it reports what is missing, and contains no adapter of the embedded mode', async () => {
    const folder = temporaryFolder();
    const metafile = await bundleCommandLine(folder);
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'main.mjs'), ...args], {
        cwd: folder,
        env: {},
        encoding: 'utf8',
      });
      return { status, text: stdout + stderr };
    };

    expect(run()).toMatchObject({ status: 2, text: expect.stringContaining('Usage') });
    expect(run('migrate', 'copy')).toMatchObject({ status: 2, text: expect.stringContaining('from a checkout') });
    expect(run('migrate', 'status').text).toMatch(
      /SCYLLA_CONTACT_POINTS: is required[\s\S]*MILVUS_ADDRESS: is required/,
    );
    expect(run('admin-key')).toMatchObject({
      status: 1,
      text: expect.stringContaining('SCYLLA_CONTACT_POINTS: is required'),
    });
    expect(adapterFiles(metafile, 'embedded')).toEqual([]);
  });
});

describe('A Secret that a pod writes', () => {
  it('When the pod may write it, then its texts are merged into the Secret, with the token of the account', async () => {
    const { folder, environment, calls } = await kubernetes(200, '{"kind":"Secret"}');

    const secret = await openSecret('freeface-admin-key', environment, folder);
    await secret.check();
    await secret.put({ key: 'ünique' });

    const url = '/api/v1/namespaces/faces/secrets/freeface-admin-key';
    const headers = { method: 'PATCH', authorization: 'Bearer token', type: 'application/merge-patch+json' };
    expect(calls).toEqual([
      { ...headers, url: `${url}?dryRun=All`, body: { data: {} } },
      { ...headers, url, body: { data: { key: Buffer.from('ünique').toString('base64') } } },
    ]);
  });

  it('When the pod may not write it, then no key is made, and the error of Kubernetes is printed', async () => {
    const { folder, environment, calls } = await kubernetes(403, 'secrets "x" is forbidden');
    let output = '';
    const write = (text: string | Uint8Array) => {
      output += String(text);
      return true;
    };
    const terminal = { stdin: process.stdin, stdout: { write }, stderr: { write } as NodeJS.WriteStream };

    // Without the check, the command would make a key and fail with the missing address of ScyllaDB.
    const code = await main(['admin-key', '--secret', 'x'], environment, terminal, folder);

    expect(code).toBe(1);
    expect(output).toBe('The Secret x cannot be written: secrets "x" is forbidden\n');
    expect(calls).toHaveLength(1);
  });

  it('When the pod has no account, then the error says so', async () => {
    await expect(openSecret('x', {}, temporaryFolder())).rejects.toThrow('whose account has a token');
  });
});

/** Starts a TLS server that answers every request with `status` and `text`. Returns the folder and variables by which a pod finds it. */
async function kubernetes(status: number, text: string) {
  const folder = temporaryFolder();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'ca.crt')];
  execFileSync(
    'openssl',
    [
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ].flat(),
    { stdio: 'ignore' },
  );
  writeFileSync(join(folder, 'token'), 'token');
  writeFileSync(join(folder, 'namespace'), 'faces');
  const calls: object[] = [];
  const server = createServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      const { method, url, headers } = request;
      const { authorization, 'content-type': type } = headers;
      calls.push({ method, url, authorization, type, body: JSON.parse(body) });
      response.writeHead(status).end(text);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    folder,
    environment: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
    calls,
  };
}
