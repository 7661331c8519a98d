import type { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { load } from './client.ts';

/** Limit of one wait, in milliseconds. After it Milvus continues to load in the background; a later call tries again. */
const loadMs = 30_000;

/** Returns a function that loads a collection. All callers for one collection share one wait; only `signal` aborts it. */
export function collectionLoader(client: MilvusClient, signal: AbortSignal): (name: string) => Promise<void> {
  const loading = new Map<string, Promise<void>>();

  return (name) => {
    const pending = loading.get(name) ?? load(client, name, { withinMs: loadMs, signal });
    loading.set(name, pending);
    const done = () => void (loading.get(name) === pending && loading.delete(name));
    pending.then(done, done);
    return pending;
  };
}
