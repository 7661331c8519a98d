import { expect } from 'vitest';
import { defaultTenant } from '../ports/tenant.ts';
import type { TestPlatform } from './platform.ts';
import { drawPortrait, type PortraitOptions } from './portraits/index.ts';
import { newEntry } from './vector-factories.ts';

/** Enrols a drawn portrait through the API and returns `data`. Default external id: the person's name. */
export async function enrolPortrait(
  platform: TestPlatform,
  portrait: PortraitOptions,
  fields: Readonly<Record<string, string>> = {},
  // biome-ignore lint/suspicious/noExplicitAny: as in Answer.json
): Promise<any> {
  const answer = await platform.call('POST', '/api/v1/faces/enroll', {
    form: { external_id: String(portrait.person), ...fields, image: await drawPortrait(portrait) },
  });
  expect(answer.json).toMatchObject({ success: true });
  return answer.json.data;
}

/** Sends a drawn portrait to faces/recognize and returns `data`. */
export async function recognizePortrait(platform: TestPlatform, portrait: PortraitOptions) {
  const answer = await platform.call('POST', '/api/v1/faces/recognize', {
    form: { image: await drawPortrait(portrait) },
  });
  expect(answer.json).toMatchObject({ success: true });
  return answer.json.data;
}

/** Stores `count` templates with random embeddings, each of another person without a record. Another call replaces the same templates. */
export async function fillGallery({ ports }: Pick<TestPlatform, 'ports'>, count: number): Promise<void> {
  const pack = await ports.extractor.describe();
  const entries = Array.from({ length: count }, (_, i) =>
    newEntry(pack.dimension, {
      faceId: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      personId: `filler-${i}`,
    }),
  );
  await ports.vectors.upsert(defaultTenant, pack, entries);
}
