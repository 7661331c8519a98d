import { CloudEvent } from 'cloudevents';
import { AppError } from '../../errors.ts';
import { deadLetterTopic } from '../../ports/dead-letter-event.ts';
import type { Event, Events } from '../../ports/events.ts';
import { type Group, startGroup } from './event-group.ts';
import { createEventStore } from './event-store.ts';
import { createGroupCommit } from './group-commit.ts';
import { openStoreDatabase, type StoreDatabase } from './store-database.ts';
import type { StoreOptions } from './store-options.ts';

export interface EventsOptions extends StoreOptions {
  /** 0..1, for the jitter of retries. Default Math.random. */
  readonly random?: () => number;
  /** How long events stay for future groups after every group has finished them, in milliseconds. Default 7 days. */
  readonly retentionMs?: number;
}

const day = 24 * 60 * 60 * 1000;
const pruneEveryMs = 60 * 60 * 1000;
const pruneStep = 1000;

/**
 * A durable broker in `events.db`. Events stay until every group that ever subscribed has finished them. If a subscriber is removed
 * for good, delete its row in `consumer_groups` by hand.
 */
export async function openEvents(options: EventsOptions): Promise<Events> {
  return await openStoreDatabase(options, 'events', (opened) => eventsOn(opened, options));
}

function eventsOn({ database, close }: StoreDatabase, options: EventsOptions): Events {
  const { clock, log, random = Math.random, retentionMs = 7 * day } = options;
  const store = createEventStore(database);
  const commits = createGroupCommit(database);
  const groups = new Map<string, { readonly topic: string; readonly group: Group }>();
  let closing: Promise<void> | undefined;
  let cancelPruning: () => void = () => undefined;

  const requireOpen = (): void => {
    if (closing !== undefined) throw new AppError('STORE_UNAVAILABLE', { message: 'events are closed' });
  };

  const wakeGroups = (topic: string): void => {
    for (const entry of groups.values()) if (entry.topic === topic) entry.group.wake();
  };

  const prune = async (): Promise<void> => {
    const before = clock.now() - retentionMs;
    let removed = pruneStep;
    while (removed === pruneStep && closing === undefined) {
      removed = await commits.run(() => store.prune(before, pruneStep));
    }
  };

  const pruneRegularly = (): void => {
    prune().catch((error: unknown) => log?.error({ err: error }, 'old events could not be deleted'));
    cancelPruning = clock.after(pruneEveryMs, pruneRegularly);
  };
  pruneRegularly();

  return {
    async publish(topic, events, publishOptions) {
      requireOpen();
      publishOptions?.signal?.throwIfAborted();
      const rows = events.map(toRow);
      if (rows.length === 0) return;
      await commits.run(
        () => {
          for (const { heading, json } of rows) store.append(topic, heading, json, clock.now());
        },
        { signal: publishOptions?.signal },
      );
      wakeGroups(topic);
    },

    async subscribe(subscription, deliver) {
      requireOpen();
      const { topic, group: name, concurrency } = subscription;
      const id = JSON.stringify([topic, name]);
      if (groups.has(id)) throw new RangeError(`group ${name} already reads topic ${topic}`);
      if (!Number.isInteger(concurrency) || concurrency < 1) throw new RangeError('concurrency must be 1 or more');
      const group = startGroup(subscription, deliver, {
        store,
        clock,
        random,
        log,
        async save(progress) {
          await commits.run(() => store.saveProgress(topic, name, progress));
          if (progress.deadLetters.length > 0) wakeGroups(deadLetterTopic);
        },
      });
      groups.set(id, { topic, group });
      let stopping: Promise<void> | undefined;
      return () => {
        // `close` stops all groups, and no group may write after that.
        if (closing !== undefined) return closing;
        stopping ??= group.stop().finally(() => groups.delete(id));
        return stopping;
      };
    },

    async state(stateOptions) {
      requireOpen();
      stateOptions?.signal?.throwIfAborted();
      await Promise.all([...groups.values()].map(({ group }) => group.flush()));
      return store.state([...groups.keys()].map((id) => JSON.parse(id) as [topic: string, group: string]));
    },

    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    cancelPruning();
    const reason = new Error('the broker is closing');
    await Promise.allSettled([...groups.values()].map(({ group }) => group.abandon(reason)));
    await commits.drained();
    close();
  }
}

/** The event as structured JSON, with its heading. Errors: the SDK's ValidationError or a TypeError if it is no valid event. */
function toRow(event: Event) {
  const valid = event instanceof CloudEvent ? event : new CloudEvent(event);
  const key = event.partitionkey;
  if (key !== undefined && typeof key !== 'string') throw new TypeError('partitionkey must be a string');
  return { heading: { type: event.type, key: key ?? null }, json: JSON.stringify(valid) };
}
