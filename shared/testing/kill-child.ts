import { writeSync } from 'node:fs';
import { openEvents } from '../adapters/embedded/events.ts';
import { openImages } from '../adapters/embedded/images.ts';
import { openRecords } from '../adapters/embedded/records.ts';
import { openVectors } from '../adapters/embedded/vectors.ts';
import { systemClock } from '../ports/clock.ts';
import {
  bytesOf,
  enrolmentOf,
  entriesOf,
  eventOf,
  killSpace,
  killSubscription,
  killTenant,
  killTopic,
} from './kill-work.ts';

/**
 * Writes to every store until the test kills it. Arguments: data folder, number of the first piece of work. Prints what each store
 * has acknowledged, one word and number per line, immediately after the acknowledgement.
 */
async function main(): Promise<void> {
  const [dataDir, first] = [process.argv[2]!, Number(process.argv[3])];
  const options = { dataDir, clock: systemClock };
  const records = await openRecords(options);
  const vectors = await openVectors(options);
  const images = await openImages(options);
  const events = await openEvents(options);
  let next = first;

  await events.subscribe(killSubscription, async (event) => {
    print('seen', event.id);
    return { status: 204 };
  });

  const worker = async (): Promise<void> => {
    for (;;) {
      const n = next++;
      await images.put(killTenant, `image-${n}`, bytesOf(n));
      print('image', n);
      await records.saveEnrolment(killTenant, enrolmentOf(n), { outbox: [{ topic: killTopic, event: eventOf(n) }] });
      print('record', n);
      await vectors.upsert(killTenant, killSpace, entriesOf(n));
      print('vector', n);
      await events.publish(killTopic, [eventOf(n)]);
      print('event', n);
      if (n % 3 !== 0) continue;
      print('deleting', n);
      await vectors.remove(
        killTenant,
        entriesOf(n).map((entry) => entry.faceId),
      );
      print('vector-deleted', n);
      await records.deletePerson(killTenant, enrolmentOf(n).person!.personId);
      print('record-deleted', n);
      await images.delete(killTenant, `image-${n}`);
      print('image-deleted', n);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** Writes synchronously to the pipe: a killed process does not lose the line. */
const print = (word: string, n: number | string): void => {
  writeSync(1, `${word} ${n}\n`);
};

await main();
