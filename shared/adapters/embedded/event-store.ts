import { CloudEvent } from 'cloudevents';
import { deadLetterEvent, deadLetterTopic } from '../../ports/dead-letter-event.ts';
import type { Event, EventsState } from '../../ports/events.ts';
import type { GivenUp } from '../delivery/dispatch.ts';
import type { Database } from './database.ts';

/** An event without its body. */
export interface Heading {
  readonly sequence: number;
  readonly type: string;
  /** null: no order. */
  readonly key: string | null;
}

/** State of an event that failed, or that is done while an earlier event is not. */
export interface DeliveryState {
  readonly sequence: number;
  readonly attempts: number;
  /** Milliseconds since the epoch; null: done. */
  readonly dueAt: number | null;
}

export interface NewDeadLetter {
  readonly sequence: number;
  readonly failure: GivenUp;
}

/** Changes that a group saves in one transaction. */
export interface Progress {
  /** All events up to this one are done. */
  readonly position: number;
  readonly states: readonly DeliveryState[];
  readonly deadLetters: readonly NewDeadLetter[];
}

/** The broker's tables. Synchronous; writes run inside the caller's transaction. */
export function createEventStore(database: Database) {
  const append = (topic: string, heading: Omit<Heading, 'sequence'>, event: string, now: number): void => {
    database.run('INSERT INTO events (topic, type, partition_key, published_at, event) VALUES (?, ?, ?, ?, ?)', [
      topic,
      heading.type,
      heading.key,
      now,
      event,
    ]);
  };
  const read = (sequence: number): Event =>
    parseEvent(database.get<{ event: string }>('SELECT event FROM events WHERE sequence = ?', [sequence])!.event);

  return {
    /** `event` as JSON. */
    append,

    headingsAfter: (topic: string, sequence: number, limit: number): Heading[] =>
      database.all<Heading>(
        `SELECT sequence, type, partition_key AS key FROM events
         WHERE topic = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
        [topic, sequence, limit],
      ),

    read,

    /** Adds the group if it is new, and returns its position. A new group starts before the earliest stored event. */
    joinGroup(topic: string, group: string): number {
      database.run('INSERT INTO consumer_groups (topic, name, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING', [
        topic,
        group,
      ]);
      const row = database.get<{ position: number }>(
        'SELECT position FROM consumer_groups WHERE topic = ? AND name = ?',
        [topic, group],
      );
      return row!.position;
    },

    states: (topic: string, group: string): DeliveryState[] =>
      database.all<DeliveryState>(
        'SELECT sequence, attempts, due_at AS dueAt FROM deliveries WHERE topic = ? AND name = ?',
        [topic, group],
      ),

    saveProgress(topic: string, group: string, { position, states, deadLetters }: Progress): void {
      for (const { sequence, attempts, dueAt } of states) {
        if (sequence <= position) continue;
        database.run(
          `INSERT INTO deliveries (topic, name, sequence, attempts, due_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET attempts = excluded.attempts, due_at = excluded.due_at`,
          [topic, group, sequence, attempts, dueAt],
        );
      }
      for (const { sequence, failure } of deadLetters) {
        const letter = deadLetterEvent(read(sequence), failure);
        append(deadLetterTopic, { type: letter.type, key: null }, JSON.stringify(letter), failure.at);
      }
      database.run('UPDATE consumer_groups SET position = ? WHERE topic = ? AND name = ?', [position, topic, group]);
      database.run('DELETE FROM deliveries WHERE topic = ? AND name = ? AND sequence <= ?', [topic, group, position]);
    },

    /** Backlog of each group. An event that was skipped because of its type counts until a later event is done. */
    state: (groups: readonly (readonly [topic: string, group: string])[]): EventsState => ({
      groups: groups.map(([topic, group]) => {
        const { waiting, oldestAt } = database.get<{ waiting: number; oldestAt: number | null }>(
          `SELECT count(*) AS waiting, min(published_at) AS oldestAt FROM events
           WHERE topic = ?1 AND sequence > (SELECT position FROM consumer_groups WHERE topic = ?1 AND name = ?2)
             AND sequence NOT IN (SELECT sequence FROM deliveries WHERE topic = ?1 AND name = ?2 AND due_at IS NULL)`,
          [topic, group],
        )!;
        return { topic, group, waiting, oldestAt };
      }),
    }),

    /**
     * Deletes at most `limit` events that were published before `before` and that every known group has finished; returns how many.
     * In a topic that no group has read, only the age counts.
     */
    prune: (before: number, limit: number): number =>
      database.run(
        `DELETE FROM events WHERE sequence IN (
           SELECT sequence FROM events WHERE published_at < ?
             AND sequence <= coalesce((SELECT min(position) FROM consumer_groups WHERE consumer_groups.topic = events.topic), sequence)
           ORDER BY published_at LIMIT ?)`,
        [before, limit],
      ).changes,
  };
}

export type EventStore = ReturnType<typeof createEventStore>;

const parseEvent = (json: string): Event => new CloudEvent(JSON.parse(json) as Event, false);
