import type { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { load } from './client.ts';

/** A collection that takes longer is loaded in the background; whoever calls then tries again. */
const loadMs = 30_000;

/** Loads a collection. All callers of one collection share one wait; `signal` ends it. */
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
