import { describe, expect, it } from 'vitest';
import createPerson from '../../functions/create-person/index.ts';
import enrollFace from '../../functions/enroll-face/index.ts';
import type { Quota } from '../ports/accounts.ts';
import { defaultTenant } from '../ports/tenant.ts';
import { sharedPlatform } from '../testing/platform.ts';
import { drawGroup, drawPortrait } from '../testing/portraits/index.ts';

const jpeg = { 'content-type': 'image/jpeg' };

describe('quotas', () => {
  const platform = sharedPlatform([createPerson, enrollFace]);

  /** Sets the quota to the current usage plus `room`. */
  async function allow(room: Partial<Quota>): Promise<{ quota: Quota }> {
    const { accounts, records } = platform().ports;
    const used = await records.usage(defaultTenant);
    const limit = (kind: keyof Quota) => (room[kind] == null ? null : used[kind] + room[kind]);
    const quota = { persons: limit('persons'), faces: limit('faces'), bytes: limit('bytes') };
    await accounts.updateTenant(defaultTenant, { quota });
    return { quota };
  }
  const enroll = (photo: Uint8Array, query = '') =>
    platform().call('POST', `/api/v1/faces/enroll${query}`, { body: photo, headers: jpeg });
  /** The state that a refused request must not change. */
  async function everything() {
    const { records, images } = platform().ports;
    const keys: string[] = [];
    for await (const entry of images.keys(defaultTenant)) keys.push(entry.key);
    return { usage: await records.usage(defaultTenant), keys: keys.sort() };
  }

  it('When the quota of persons is reached, then creating a person is refused, and the details give the numbers', async () => {
    const { quota } = await allow({ persons: 1 });

    const first = await platform().call('POST', '/api/v1/persons', { json: {} });
    const before = await everything();
    const second = await platform().call('POST', '/api/v1/persons', { json: {} });

    expect([first.status, second.status, second.json.error.code]).toEqual([201, 403, 'QUOTA_EXCEEDED']);
    expect(second.json.error.details).toEqual({ quota: 'persons', used: quota.persons, limit: quota.persons });
    expect(await everything()).toEqual(before);
  });

  it.each<[keyof Quota, string]>([
    ['persons', '?person_id=new-person'],
    ['faces', ''],
    ['bytes', ''],
  ])('When the quota of %s is reached, then an enrolment is refused and stores nothing', async (kind, query) => {
    const photo = await drawPortrait({ person: 'boris', scene: `quota-${kind}` });
    await allow({ [kind]: 0 });
    const before = await everything();

    const answer = await enroll(photo, query);

    expect([answer.status, answer.json.error.code, answer.json.error.details.quota]).toEqual([
      403,
      'QUOTA_EXCEEDED',
      kind,
    ]);
    expect(await everything()).toEqual(before);
  });

  it('When a group photo has more faces than the quota allows, then no face is enrolled', async () => {
    const group = await drawGroup([{ person: 'amaro' }, { person: 'boris' }, { person: 'chidi' }]);
    await allow({ faces: 2 });
    const before = await everything();

    const refused = await enroll(group, '?processing_options.enable_multi_face=true');
    const after = await everything();
    await allow({ faces: 3 });
    const accepted = await enroll(group, '?processing_options.enable_multi_face=true');

    expect([refused.status, after, accepted.status]).toEqual([403, before, 201]);
  });

  it('When a photo is already enrolled, then enrolling it again succeeds although the quota is reached', async () => {
    const photo = await drawPortrait({ person: 'amaro', scene: 'repeat' });
    await allow({});
    const first = await enroll(photo, '?person_id=repeated');
    await allow({ persons: 0, faces: 0, bytes: 0 });

    const again = await enroll(photo, '?person_id=repeated');

    expect([first.status, again.status, again.json.data.face_id]).toEqual([201, 200, first.json.data.face_id]);
  });

  it('When many enrolments run at once, then they may exceed the quota, and the next enrolment is refused', async () => {
    const photos = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((scene) => drawPortrait({ person: 'boris', scene: `parallel-${scene}` })),
    );
    const { quota } = await allow({ faces: 2 });

    const answers = await Promise.all(photos.map((photo) => enroll(photo)));
    const last = await enroll(await drawPortrait({ person: 'boris', scene: 'parallel-last' }));

    const enrolled = answers.filter(({ status }) => status === 201).length;
    expect(enrolled).toBeGreaterThanOrEqual(2);
    expect((await everything()).usage.faces).toBe(quota.faces! - 2 + enrolled);
    expect(last.status).toBe(403);
  });
});
