import { Redis } from 'ioredis';
import { kept as keptSpaces } from '../../domain/tuning.ts';
import { AppError } from '../../errors.ts';
import type { AdapterOptions } from '../../function/adapter-options.ts';
import type { Cache } from '../../ports/cache.ts';
import type { Tenant } from '../../ports/tenant.ts';
import { defineKept, type KeptOptions, type KeptScript, keptOn } from './cache-kept.ts';
import { storeCalls } from './store-calls.ts';
import { tlsOptions } from './tls.ts';

export interface CacheOptions extends Pick<AdapterOptions, 'log' | 'clock'>, Pick<KeptOptions, 'spaces'> {
  readonly engines: Pick<AdapterOptions['engines'], 'dragonfly'>;
}

/** Limit of one command, in milliseconds. A slower cache would save no time. */
const commandMs = 1000;
const connectMs = 2000;
/** First and longest pause before a new attempt to connect, in milliseconds; each pause is twice the one before. */
const reconnectMs = { first: 50, longest: 2000 };

/**
 * Adds to an integer. The first addition starts its time to live. Returns an error and changes nothing when the value is not an integer,
 * or when the sum is too large for an exact double.
 *
 * [Note: Scripts for Dragonfly]
 * Dragonfly runs Lua 5.4 and refuses keys that the script did not declare. Redis runs Lua 5.1. So every key is passed in KEYS, and
 * the scripts use only what both versions have.
 */
const incrementScript = `
local before = redis.call('GET', KEYS[1])
if before and not string.match(before, '^-?%d+$') then return redis.error_reply('ERR value is not an integer') end
if math.abs((tonumber(before) or 0) + tonumber(ARGV[1])) > 9007199254740991 then return redis.error_reply('ERR value is not an integer or out of range') end
redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])`;

/** Adds to the fields of a hash unless the mark exists. The arguments alternate between field and number. */
const sumsScript = `
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then
  for i = 3, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return 1`;
/** How long the name of an addition is stored, to ignore repetitions. */
const onceMs = 10 * 60_000;

interface WithScripts extends Redis, KeptScript {
  add_for_time(key: string, by: number, ttlMs: number): Promise<string>;
  add_to_sums(key: string, mark: string, ttlMs: number, onceMs: number, ...by: (string | number)[]): Promise<number>;
}

/**
 * A cache in DragonflyDB or Redis.
 *
 * [Note: A cache that is down]
 * Opening waits a limited time and never fails, because callers can work without a cache, only slower. Without a connection, calls fail
 * at once with STORE_UNAVAILABLE and are not queued; the client reconnects in the background. A connection to a server that hangs is
 * closed after a second. So only one call waits for that second.
 *
 * [Note: Keys the cache may evict]
 * Every cached value has a time to live. Security state has none on the server (see: [Note: Security state on the server]), so it stays
 * with an eviction policy that removes only keys with a time to live: `volatile-lru` or `volatile-ttl` of Redis. With `noeviction`
 * (Dragonfly without `--cache_mode`), a full server refuses writes, and the calls fail. With Dragonfly's `--cache_mode`, or `allkeys-lru`
 * of Redis, a full server also removes security state, so opening logs a warning.
 */
export async function openCache({ engines, log, clock, spaces = keptSpaces }: CacheOptions): Promise<Cache> {
  const { url, keyPrefix, tls } = engines.dragonfly;
  const client = new Redis(url, connectionOptions(tls)) as WithScripts;
  client.defineCommand('add_for_time', { numberOfKeys: 1, lua: incrementScript });
  defineKept(client);
  client.defineCommand('add_to_sums', { numberOfKeys: 2, lua: sumsScript });
  const calls = storeCalls({ store: 'cache', timeoutMs: 2 * commandMs, translate });
  let isReported = false;
  client.on('error', (error) => {
    if (!isReported) log.warn({ err: error }, 'the cache is not reachable');
    isReported = true;
  });
  client.on('ready', () => {
    void warnOfEviction(client, log);
    if (isReported) log.info({}, 'the cache is reachable again');
    isReported = false;
  });
  await connected(client);

  /** A tenant's name contains no colon, so different pairs have different names. */
  const nameOf = (tenant: Tenant, key: string): string => `${keyPrefix}:${tenant}:${key}`;

  const kept = keptOn(client, { keyPrefix, spaces, now: () => clock.now() });

  return {
    get: (tenant, key, options) =>
      calls.run(options, () =>
        options?.kept === undefined ? client.get(nameOf(tenant, key)) : kept.get({ tenant, kind: options.kept, key }),
      ),
    set: (tenant, key, value, options) =>
      calls.run(options, async () => {
        if (options.kept !== undefined)
          return kept.set({ tenant, kind: options.kept, key }, value, wholeMs(options.ttlMs));
        await client.set(nameOf(tenant, key), value, 'PX', wholeMs(options.ttlMs));
      }),
    add: (tenant, key, value, options) =>
      calls.run(options, async () => {
        if (options.kept !== undefined)
          return kept.add({ tenant, kind: options.kept, key }, value, wholeMs(options.ttlMs));
        return (await client.set(nameOf(tenant, key), value, 'PX', wholeMs(options.ttlMs), 'NX')) === 'OK';
      }),
    delete: (tenant, key, options) =>
      calls.run(options, async () => {
        if (options?.kept !== undefined) return kept.delete({ tenant, kind: options.kept, key });
        await client.unlink(nameOf(tenant, key));
      }),
    increment: (tenant, key, by, options) =>
      calls.run(options, async () => {
        const ttlMs = wholeMs(options.ttlMs);
        if (options.kept !== undefined) return kept.increment({ tenant, kind: options.kept, key }, by, ttlMs);
        // The script returns text, because the driver's numbers are not exact.
        return Number(await client.add_for_time(nameOf(tenant, key), by, ttlMs));
      }),
    addToSums: (tenant, key, by, { once, ttlMs, signal }) =>
      calls.run({ signal }, async () => {
        const [name, mark] = [nameOf(tenant, key), nameOf(tenant, `${key}/once/${once}`)];
        await client.add_to_sums(name, mark, wholeMs(ttlMs), onceMs, ...Object.entries(by).flat());
      }),
    sums: (tenant, key, options) =>
      calls.run(options, async () => {
        const sums = await client.hgetall(nameOf(tenant, key));
        return Object.fromEntries(Object.entries(sums).map(([field, sum]) => [field, Number(sum)]));
      }),
    close: () => calls.close(() => client.disconnect()),
  };
}

/** Warns when a full server would remove security state. A server that does not allow the question gets no warning. */
async function warnOfEviction(client: Redis, log: CacheOptions['log']): Promise<void> {
  const settings = await Promise.allSettled([
    client.config('GET', 'maxmemory-policy'),
    client.config('GET', 'cache_mode'),
  ]);
  const values = settings.flatMap((each) => (each.status === 'fulfilled' ? [String(each.value)] : []));
  if (values.some((value) => /allkeys|cache_mode,true/.test(value)))
    log.warn(
      { settings: values },
      'a full cache server would remove login locks and marks of an Idempotency-Key; use a volatile-* policy or switch off cache_mode',
    );
}

function connectionOptions(tls: CacheOptions['engines']['dragonfly']['tls']) {
  return {
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: commandMs,
    socketTimeout: commandMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // A command without a response may have been executed, so only the caller may retry it.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (times: number) =>
      Math.min(reconnectMs.first * 2 ** Math.min(times - 1, 10), reconnectMs.longest) * (0.8 + 0.4 * Math.random()),
    ...(tls === null ? {} : { tls: tlsOptions(tls) }),
  };
}

/** Resolves when the client is connected, or after `connectMs`. */
async function connected(client: Redis): Promise<void> {
  const ready = new Promise<void>((resolve) => client.once('ready', resolve));
  const timedOut = new Promise<void>((resolve) => {
    client.connect().catch(() => resolve());
    AbortSignal.timeout(connectMs).addEventListener('abort', () => resolve());
  });
  await Promise.race([ready, timedOut]);
}

function wholeMs(ttlMs: number): number {
  if (!(ttlMs > 0)) throw new RangeError('ttlMs must be above 0');
  return Math.ceil(ttlMs);
}

/** An error about a value does not mean that the cache is unavailable. */
function translate(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const isValueError = error instanceof Error && /not an integer|out of range/.test(error.message);
  return isValueError ? new RangeError(error.message) : error;
}
