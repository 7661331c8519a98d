import type { Redis } from 'ioredis';
import type { KeptKind, KeptSpace } from '../../domain/tuning.ts';
import { type KeptKey, keptSpaceFull } from '../kept-space.ts';

export interface KeptOptions {
  readonly keyPrefix: string;
  /** For tests; default: `kept` of shared/domain/tuning.ts. */
  readonly spaces?: Readonly<Record<KeptKind, KeptSpace>>;
  readonly now: () => number;
}

/** Security state. The methods have the meaning of the methods of `Cache`. */
export interface Kept {
  get(key: KeptKey): Promise<string | null>;
  set(key: KeptKey, value: string, ttlMs: number): Promise<void>;
  add(key: KeptKey, value: string, ttlMs: number): Promise<boolean>;
  delete(key: KeptKey): Promise<void>;
  increment(key: KeptKey, by: number, ttlMs: number): Promise<number>;
}

/** The server command that `defineKept` adds. */
export interface KeptScript {
  kept_entry(values: string, ends: string, bytes: string, ...rest: readonly (string | number)[]): Promise<Reply>;
}

/** `full` with the end of the first entry, or `ok` with the value or the number of the operation. */
type Reply = readonly [outcome: 'ok' | 'full' | 'number', value: string | null];

/**
 * All operations on one space.
 *
 * [Note: Security state on the server]
 * A space is three keys: a hash with the values, a sorted set with their ends, and the sum of their bytes. The keys have no time to
 * live, so a server that removes only keys with a time never removes them. Each operation first removes up to 20 expired entries. Times
 * come from the clock of the caller. See: [Note: Scripts for Dragonfly]
 *
 * KEYS: values, ends, bytes. ARGV: operation, now, field, value or number, end, most entries, most bytes, what to do when full.
 */
const script = `
local values, ends, bytes = KEYS[1], KEYS[2], KEYS[3]
local op, now, field, value, ending = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local most_entries, most_bytes, when_full = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local function remove(name)
  local old = redis.call('HGET', values, name)
  if old then
    redis.call('DECRBY', bytes, #name + #old)
    redis.call('HDEL', values, name)
  end
  redis.call('ZREM', ends, name)
end
local function sweep(limit)
  local expired = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, limit)
  for _, name in ipairs(expired) do remove(name) end
  return #expired
end
sweep(20)
local stop = redis.call('ZSCORE', ends, field)
if stop and tonumber(stop) <= tonumber(now) then
  remove(field)
  stop = false
end
local current = redis.call('HGET', values, field)
local function full(size)
  local own = 0
  local entries = redis.call('ZCARD', ends)
  if current then own = #field + #current else entries = entries + 1 end
  return entries > most_entries or tonumber(redis.call('GET', bytes) or '0') - own + size > most_bytes
end
local function put(text, at)
  local size = #field + #text
  while full(size) and sweep(1000) > 0 do end
  while full(size) do
    local first = redis.call('ZRANGE', ends, 0, 1, 'WITHSCORES')
    local at_first = 1
    if first[1] == field then at_first = 3 end
    if when_full ~= 'oldest' or not first[at_first] then return {'full', first[2] or ''} end
    remove(first[at_first])
  end
  local own = 0
  if current then own = #field + #current end
  redis.call('INCRBY', bytes, size - own)
  redis.call('HSET', values, field, text)
  redis.call('ZADD', ends, at, field)
  return {'ok', text}
end
if op == 'get' then return {'ok', current} end
if op == 'delete' then
  remove(field)
  return {'ok', ''}
end
if op == 'add' and current then return {'ok', ''} end
if op == 'set' or op == 'add' then return put(value, ending) end
if current and not string.match(current, '^-?%d+$') then return {'number', ''} end
local sum = (tonumber(current or '0')) + tonumber(value)
if math.abs(sum) > 9007199254740991 then return {'number', ''} end
return put(string.format('%.0f', sum), stop or ending)`;

export function defineKept(client: Redis): void {
  client.defineCommand('kept_entry', { numberOfKeys: 3, lua: script });
}

/** Errors: RATE_LIMITED when a space is full; RangeError when a value is not an integer. */
export function keptOn(client: KeptScript, { keyPrefix, spaces, now }: Required<KeptOptions>): Kept {
  /** Returns what the operation returns. */
  const run = async (
    operation: 'get' | 'set' | 'add' | 'delete' | 'increment',
    { tenant, kind, key }: KeptKey,
    value: string,
    ttlMs: number,
  ): Promise<string | null> => {
    const name = `${keyPrefix}:${tenant}:kept:${kind}`;
    const at = now();
    const { mostEntries, mostBytes, whenFull } = spaces[kind];
    const [outcome, returned] = await client.kept_entry(
      `${name}:values`,
      `${name}:ends`,
      `${name}:bytes`,
      operation,
      at,
      key,
      value,
      at + ttlMs,
      mostEntries,
      mostBytes,
      whenFull,
    );
    if (outcome === 'full') throw keptSpaceFull(kind, returned === '' ? null : Number(returned), at);
    if (outcome === 'number') throw new RangeError(`${key} is not an integer that can grow by ${value}`);
    return returned;
  };

  return {
    get: (key) => run('get', key, '', 0),
    set: async (key, value, ttlMs) => {
      await run('set', key, value, ttlMs);
    },
    add: async (key, value, ttlMs) => (await run('add', key, value, ttlMs)) === value,
    delete: async (key) => {
      await run('delete', key, '', 0);
    },
    increment: async (key, by, ttlMs) => Number(await run('increment', key, String(by), ttlMs)),
  };
}
