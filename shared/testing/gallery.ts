import { expect } from 'vitest';
import type { TestPlatform } from './platform.ts';
import { drawPortrait, type PortraitOptions } from './portraits/index.ts';

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
