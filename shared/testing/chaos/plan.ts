import { createHash } from 'node:crypto';
import { batchJobIdOf, faceIdOf } from '../../domain/ids.ts';
import { type Priority, priorities } from '../../domain/priority.ts';
import { defaultTenant } from '../../ports/tenant.ts';
import { fakePhoto, fakeSpace, type PhotoKind } from '../fake-extractor.ts';
import { seededRandom } from '../vector-factories.ts';

/** A photo to enrol; each photo is unique. */
export interface ChaosPhoto {
  readonly kind: PhotoKind;
  readonly bytes: Uint8Array;
  /** Id of the photo's face. */
  readonly faceId: string;
}

/** The person that a request names for a face; null: no person. */
export type ChaosName = { readonly external_id: string } | { readonly person_id: string } | null;

/** The versions of one file, oldest first; null: the file was deleted. The last version counts. */
export interface ChaosFile {
  readonly name: ChaosName;
  readonly versions: readonly (ChaosPhoto | null)[];
}

/** A photo for enroll_async, whose job may be cancelled immediately. */
export interface PhotoStep {
  readonly what: 'photo';
  readonly n: number;
  readonly photo: ChaosPhoto;
  readonly priority: Priority;
  readonly name: ChaosName;
  readonly cancel: boolean;
}

/** A file that is written, and may be replaced and deleted before the platform has processed it. */
export interface FileStep {
  readonly what: 'file';
  readonly path: string;
  readonly name: { readonly external_id: string };
  readonly versions: readonly FileVersion[];
}
interface FileVersion {
  /** null: the file is deleted. */
  readonly photo: ChaosPhoto | null;
  /** Whether to wait for the end of the previous version's job first. */
  readonly afterSeen: boolean;
  /** Pause before this version is written, in milliseconds. */
  readonly afterMs: number;
}

/** Files that a batch enrols again for named persons; the last items are cancelled immediately. */
export interface BatchStep {
  readonly what: 'batch';
  readonly batchId: string;
  readonly priority: Priority;
  readonly items: readonly BatchItem[];
}
export interface BatchItem {
  readonly jobId: string;
  readonly path: string;
  readonly photo: ChaosPhoto;
  readonly name: ChaosName;
  readonly cancel: boolean;
}

/** Replays the newest dead letters. */
interface ReplayStep {
  readonly what: 'replay';
}
export type ChaosStep = PhotoStep | FileStep | BatchStep | ReplayStep;

/** Shares: `noFace` and `damaged` of all photos, `cancelled` of photo steps, `file` and `batch` of all steps. */
const rates = { noFace: 0.01, damaged: 0.01, cancelled: 0.05, file: 0.08, batch: 0.015 };
const mostItems = 12;
/** Number of photos between two replays. */
const replayEvery = 100;
/** Longest pause between two versions of a file, in milliseconds; long enough for both an unprocessed and a processed version. */
const longestWaitMs = 3000;

export function chaosPhoto(n: number, kind: PhotoKind = 'face'): ChaosPhoto {
  const bytes = fakePhoto(n, kind);
  const digest = createHash('sha256').update(bytes).digest('hex');
  return { kind, bytes, faceId: faceIdOf(defaultTenant, digest, fakeSpace, 0) };
}

/** A plan with `events` photos in total; the same seed gives the same plan. */
export function chaosPlan(events: number, seed: number): readonly ChaosStep[] {
  const random = seededRandom(seed);
  const plan: ChaosStep[] = [];
  let n = 0;
  let nextReplay: number = replayEvery;
  const whole = (below: number) => Math.floor(random() * below);
  const photo = (failing = rates.noFace + rates.damaged): ChaosPhoto => {
    const draw = random();
    const kind = draw < failing / 2 ? 'no-face' : draw < failing ? 'damaged' : 'face';
    return chaosPhoto(n++, kind);
  };
  const priority = () => priorities[whole(priorities.length)]!;
  // Several photos share a person; some name no person.
  const name = (): ChaosName => {
    const draw = random();
    return draw < 0.6 ? { external_id: `person-${whole(500)}` } : draw < 0.8 ? { person_id: `p${whole(300)}` } : null;
  };

  while (n < events) {
    const draw = random();
    const left = events - n;
    if (n >= nextReplay) {
      plan.push({ what: 'replay' });
      nextReplay += replayEvery;
    }
    if (draw < rates.file) {
      const id = `file-${n}`;
      const versions = [{ photo: photo(0.1), afterSeen: false, afterMs: 0 }, ...moreVersions(Math.min(3, left - 1))];
      plan.push({ what: 'file', path: `${id}/Foto + ü.jpg`, name: { external_id: id }, versions });
    } else if (draw < rates.file + rates.batch) {
      const batchId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
      const count = Math.min(left, 2 + whole(mostItems - 1));
      const items = Array.from({ length: count }, (_, item) => ({
        jobId: batchJobIdOf(batchId, item),
        path: `batch-${n}.jpg`,
        photo: photo(),
        name: name(),
        cancel: item > 1 && item >= count - 2,
      }));
      plan.push({ what: 'batch', batchId, priority: priority(), items });
    } else {
      plan.push({
        what: 'photo',
        n,
        photo: photo(),
        priority: priority(),
        name: name(),
        cancel: random() < rates.cancelled,
      });
    }
  }
  return plan;

  function moreVersions(most: number): FileStep['versions'] {
    return Array.from({ length: whole(most + 1) }, () => ({
      photo: random() < 0.3 ? null : photo(0.1),
      afterSeen: random() < 0.5,
      afterMs: whole(longestWaitMs),
    }));
  }
}

/** Number of photos in a step. */
export function photosOf(step: ChaosStep): number {
  if (step.what === 'file') return step.versions.filter(({ photo }) => photo !== null).length;
  return step.what === 'batch' ? step.items.length : step.what === 'photo' ? 1 : 0;
}
