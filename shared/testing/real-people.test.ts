import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functions } from '../../functions/registry.gen.ts';
import { eachOf } from '../domain/each-of.ts';
import { addPack } from '../vision/weights/add.ts';
import { readCatalogue } from '../vision/weights/packs.ts';
import { folderWithWeights, startPlatform, type TestPlatform } from './platform.ts';
import { describeShared, sharedPath } from './shared-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const modelsDir = resolve('models');
const people = 24;
const strangers = 40;

/**
 * Enrols and recognises real photos through the API. `least`: minimum number of people, of 24 enrolled with one photo each, who are
 * recognised in another photo. It allows three standard deviations from the published FNIR (18 % and 5 %).
 */
const packs: readonly { pack: string; least: number; dataDir: () => Promise<string> }[] = [
  { pack: 'builtin', least: 14, dataDir: async () => folderWithWeights() },
  { pack: 'retinaface-mobilefacenet', least: 20, dataDir: withOwnFiles },
];

describeShared('real people', 'photos/lfw', (lfw) => {
  describe.each(packs)('with $pack', ({ pack, least, dataDir }) => {
    it('When people are enrolled with one photo each, then another photo is recognised as the right person, and strangers do not match', async () => {
      const platform = await startPlatform(functions, {
        dataDir: await dataDir(),
        settings: { FREEFACE_MODEL_PACK: pack },
      });
      const folders = readdirSync(lfw).filter((name) => !name.includes('.'));
      const known = folders.filter((name) => photosOf(lfw, name).length >= 2).slice(0, people);
      const unknown = folders.filter((name) => !known.includes(name)).slice(0, strangers);
      for (const name of known) {
        const { status } = await post(platform, `/api/v1/faces/enroll?external_id=${name}`, photosOf(lfw, name)[0]!);
        expect([name, status]).toEqual([name, 201]);
      }

      const names = await Promise.all(known.map(async (name) => (await best(platform, photosOf(lfw, name)[1]!)).name));
      const decisions = await Promise.all(
        unknown.map(async (name) => (await best(platform, photosOf(lfw, name)[0]!)).decision),
      );

      expect(names.filter((name, i) => name !== null && name !== known[i])).toEqual([]);
      expect(names.filter((name) => name !== null).length).toBeGreaterThanOrEqual(least);
      expect(decisions.filter((decision) => decision === 'match').length).toBeLessThanOrEqual(2);
    });
  });
});

describeShared('photos of many formats and with many kinds of damage', 'photos/hard', (hard) => {
  it('When each photo is enrolled, then it is accepted or refused with a reason, and the process stays healthy', async () => {
    const platform = await startPlatform(functions);
    const files = readdirSync(hard, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

    // A few at the same time, as a client would: all together would test how the platform refuses load.
    const answers = await eachOf(files, 4, async (file) => ({
      file,
      ...(await post(platform, '/api/v1/faces/enroll', file)),
    }));

    for (const { file, status, json } of answers) {
      expect({ file, status }).toEqual({
        file,
        status: expect.toSatisfy((each) => [200, 201, 400, 413, 415, 422].includes(each)),
      });
      if (status >= 400) expect({ file, message: json.message.length > 10 }).toEqual({ file, message: true });
    }
    const same = answers.filter(
      ({ file, status }) =>
        /derived\/A(_exif_orientation_\d|_progressive|_cmyk|_gray)?\.(jpg|png|webp)$/.test(file) && status !== 201,
    );
    expect(same.map(({ file }) => file)).toEqual([]);
    expect((await platform.call('GET', '/api/v1/health')).json.data.status).toBe('ok');
  }, 300_000);
});

const photosOf = (lfw: string, name: string): string[] =>
  readdirSync(join(lfw, name))
    .sort()
    .map((file) => join(lfw, name, file));

const post = (platform: TestPlatform, path: string, file: string) =>
  platform.call('POST', path, { body: readFileSync(file), headers: { 'content-type': 'application/octet-stream' } });

/** Result for the face nearest to the centre, since photos often show other people too. `name`: external id of a match. */
async function best(platform: TestPlatform, file: string): Promise<{ decision: string; name: string | null }> {
  const { json } = await post(platform, '/api/v1/faces/recognize', file);
  const distance = ({ box }: { box: { left: number; top: number; width: number; height: number } }) =>
    Math.hypot(box.left + box.width / 2 - 125, box.top + box.height / 2 - 125);
  const [central] = json.data.faces.toSorted((a: never, b: never) => distance(a) - distance(b));
  return { decision: central.decision, name: central.decision === 'match' ? central.person.external_id : null };
}

/** A data folder with the pack whose files are in the test data. */
async function withOwnFiles(): Promise<string> {
  const dataDir = temporaryFolder();
  mkdirSync(join(dataDir, 'models'));
  const described = (await readCatalogue({ modelsDir })).packs.find(({ name }) => name === 'retinaface-mobilefacenet');
  await addPack(described!, { modelsDir, dataDir, from: sharedPath('models')!, link: true });
  return dataDir;
}
