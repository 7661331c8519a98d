import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { destination } from 'pino';
import { v7 } from 'uuid';
import * as z from 'zod';
import { embeddedOpeners } from '../../shared/adapters/embedded/index.ts';
import { readConfig } from '../../shared/config.ts';
import { createContext } from '../../shared/function/context.ts';
import { defineFunction } from '../../shared/function/define.ts';
import { sizes } from '../../shared/function/sizes.ts';
import { signAccessToken } from '../../shared/identity/tokens.ts';
import type { Accounts } from '../../shared/ports/accounts.ts';
import { systemClock } from '../../shared/ports/clock.ts';
import { defaultTenant } from '../../shared/ports/tenant.ts';
import { adminKeyPath } from '../../shared/runtime/first-start.ts';
import { runLocally } from '../../shared/runtime/local.ts';
import { createLogger } from '../../shared/telemetry/log.ts';
import { median, type Row } from './rows.ts';

/** The data that the bare server and every function here return. */
const data = { person_id: '01a20d7d-5463-74f0-9d9f-eeae117700f8', name: 'Ada Lovelace', face_count: 3 };
const output = z.object({ person_id: z.string(), name: z.string(), face_count: z.number() });
const common = { summary: 'Answer', uses: [], output, ...sizes.record } as const;
const params = z.object({ person_id: z.string() });

/** Functions that only return data: their cost is the cost of the pipeline around a handler. */
const functions = [
  defineFunction(
    {
      ...common,
      name: 'open',
      trigger: { kind: 'http', method: 'GET', path: '/open/{person_id}', scope: null },
      params,
    },
    async () => ({ data }),
  ),
  defineFunction(
    {
      ...common,
      name: 'guarded',
      trigger: { kind: 'http', method: 'GET', path: '/guarded/{person_id}', scope: 'metrics:read' },
      params,
    },
    async () => ({ data }),
  ),
  defineFunction(
    {
      ...common,
      name: 'audited',
      trigger: { kind: 'http', method: 'GET', path: '/audited/{person_id}', scope: 'persons:read' },
      params,
    },
    async () => ({ data }),
  ),
  defineFunction(
    {
      ...common,
      name: 'change',
      trigger: { kind: 'http', method: 'POST', path: '/change/{person_id}', scope: 'persons:write' },
      params,
      body: z.object({ name: z.string(), metadata: z.record(z.string(), z.json()) }),
    },
    async () => ({ data }),
  ),
];

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly method?: 'GET' | 'POST';
  readonly credential?: string;
  readonly goal?: Row['goal'];
  readonly note: string;
}

/**
 * Measures the CPU time of a request in the pipeline, minus that of a bare node:http server with the same response. Both run in this
 * process, one after the other; the client is another process. `dataDir` must be empty.
 */
export async function measurePipeline(dataDir: string, { quick }: { quick: boolean }): Promise<Row[]> {
  const context = createContext(
    readConfig({
      FREEFACE_DATA: dataDir,
      PORT: '0',
      FREEFACE_RATE_LIMIT_PER_KEY: '1000000',
      FREEFACE_RATE_LIMIT_PER_ADDRESS: '1000000',
    }),
    // The log is written as in production, but to /dev/null.
    { log: createLogger('info', destination({ dest: '/dev/null', sync: true })) },
  );
  const { accounts, audit, cache } = embeddedOpeners;
  const platform = await runLocally(functions, { accounts, audit, cache }, context);
  const bare = await bareServer();
  try {
    const key = (await readFile(adminKeyPath(dataDir), 'utf8')).trim();
    const token = await tokenOf(platform.ports.accounts);
    const goal = { atMost: 1 };
    const candidates: Candidate[] = [
      { name: 'no credential', path: '/open', note: 'validation, log, metrics, headers' },
      { name: 'service key', path: '/guarded', credential: key, goal, note: 'the same, authentication and limits' },
      { name: 'access token', path: '/guarded', credential: token, goal, note: 'the same, authentication and limits' },
      { name: 'service key, audited', path: '/audited', credential: key, goal, note: 'the same, and an audit entry' },
      {
        name: 'access token, audited',
        path: '/audited',
        credential: token,
        goal,
        note: 'the same, and an audit entry',
      },
      {
        name: 'change, service key',
        path: '/change',
        method: 'POST',
        credential: key,
        note: 'a JSON body, an Idempotency-Key, and an audit entry that is synced to the disk',
      },
    ];
    const url = `http://127.0.0.1:${platform.port}`;
    const count = quick ? 1000 : 3000;
    const spent = candidates.map(() => ({ above: [] as number[], bare: [] as number[] }));
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      for (const [i, candidate] of candidates.entries()) {
        const floor = await cpuPerRequest({ ...candidate, path: '/bare' }, bare.url, count);
        const whole = await cpuPerRequest(candidate, url, count);
        // The first round only warms up the code.
        if (round === 0) continue;
        spent[i]!.bare.push(floor);
        spent[i]!.above.push(whole - floor);
      }
    }
    return candidates.map(({ name, goal: wanted, note }, i) => ({
      section: 'pipeline',
      name: `${name}, CPU above a bare server`,
      value: median(spent[i]!.above),
      unit: 'ms',
      baseline: median(spent[i]!.bare),
      goal: wanted,
      note,
    }));
  } finally {
    await bare.close();
    await platform.close();
  }
}

async function bareServer(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((message, response) => {
    message.resume();
    const body = JSON.stringify({ success: true, data });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** An access token of a new user with a session. */
async function tokenOf(accounts: Accounts): Promise<string> {
  const [userId, sessionId] = [v7(), v7()];
  const user = { userId, username: 'bench', name: 'Bench', role: 'admin', passwordHash: '-', disabled: false } as const;
  await accounts.createUser(defaultTenant, user);
  const expiresAt = Date.now() + 3_600_000;
  await accounts.createSession(defaultTenant, { sessionId, userId, refreshDigest: '-', expiresAt });
  const subject = { tenant: defaultTenant, userId, name: 'Bench', role: 'admin', sessionId } as const;
  return (await signAccessToken(subject, { accounts, clock: systemClock })).token;
}

/** The client, which runs in a separate process. Sends `count` requests over eight keep-alive connections; fails unless all succeed. */
const client = `
  const { Agent, request } = require('node:http');
  const [url, method, credential, count] = process.argv.slice(1);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const body = method === 'POST' ? JSON.stringify({ name: 'Ada Lovelace', metadata: { team: 'engines', level: 7 } }) : '';
  const ask = (i) => new Promise((done, fail) => {
    const headers = { accept: 'application/json', 'user-agent': 'bench' };
    if (credential !== '') headers.authorization = 'Bearer ' + credential;
    if (body !== '') Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length, 'idempotency-key': process.pid + '-' + i });
    const sent = request(url + '/p-' + i, { agent, method, headers }, (answer) => {
      if (answer.statusCode !== 200) fail(new Error('status ' + answer.statusCode));
      answer.resume().on('end', done);
    });
    sent.on('error', fail).end(body);
  });
  let next = 0;
  const worker = async () => { while (next < Number(count)) await ask(next++); };
  Promise.all(Array.from({ length: 8 }, worker)).then(() => process.exit(0));
`;

/** CPU milliseconds (user and system) of this process for each request. */
async function cpuPerRequest({ path, method = 'GET', credential = '' }: Candidate, url: string, count: number) {
  const args = ['-e', client, `${url}${path}`, method, credential, String(count)];
  const before = process.cpuUsage();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  const { user, system } = process.cpuUsage(before);
  if (code !== 0) throw new Error(`The client of ${path} failed with exit code ${code}.`);
  return (user + system) / 1000 / count;
}
