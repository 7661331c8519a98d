import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { thresholdOf } from '../../shared/domain/decision.ts';
import { cosineOfPair } from '../../shared/domain/similarity.ts';
import type { Extractor } from '../../shared/ports/extractor.ts';
import { missedBySize, openSetTrials } from './open-set.ts';
import { embedPeople, listPeople } from './people.ts';
import { falseNegativeRate, falsePositiveRate, mean, thresholdAt, verificationAccuracy } from './statistics.ts';

/** Result of `measureAccuracy`. Rates are 0..1. */
export interface AccuracyReport {
  readonly pack: string;
  readonly photos: number;
  readonly photosWithoutFace: number;
  /** Accuracy of 1:1 verification. The threshold is chosen on the other folds and tested on each fold. */
  readonly verification: number;
  readonly openSet: {
    readonly gallerySize: number;
    readonly rankOne: number;
    /** FNIR at each trial's own threshold: the threshold at which exactly 1 % of its strangers are accepted. */
    readonly fnirAtFpir1Percent: number;
    /** FPIR and FNIR with the shipped thresholds for `fpir`. They are not independent when the pack was calibrated on these photos. */
    readonly promised: readonly { readonly fpir: number; readonly fpirMeasured: number; readonly fnir: number }[];
  };
  /** Missed people with the shipped thresholds, for growing galleries. */
  readonly missedBySize: ReturnType<typeof missedBySize>;
  /** Share of faces that were found, of those that a person counted; for photos with up to 10 and over 10 faces. */
  readonly groupFaces: { readonly upTo10: number; readonly over10: number };
  readonly falseFacesOnPicturesWithout: number;
  /** Median and first percentile of the quality score. */
  readonly quality: { readonly median: number; readonly low: number };
  /** Photos for each CPU second, from bytes to probes and from bytes to templates. */
  readonly photosPerCpuSecond: number;
  readonly enrolledPerCpuSecond: number;
}

/**
 * Measures a pack on labelled photos. `folder` must contain lfw/ (people, pairs.csv) and groups.csv; throws when one of them is missing.
 */
export async function measureAccuracy(extractor: Extractor, folder: string): Promise<AccuracyReport> {
  const { pack, calibration } = await extractor.describe();
  const people = join(folder, 'lfw');
  const files = await listPeople(people);
  for (const file of files.slice(0, 8)) await extractor.extract(await readFile(join(people, file)));
  const { photos, probesPerCpuSecond, templatesPerCpuSecond } = await embedPeople(extractor, people, files);

  const byFile = new Map(photos.map((photo) => [photo.file, photo]));
  const pairs = (await readTable(join(people, 'pairs.csv'))).map(({ fold, a, b, same }) => {
    const first = byFile.get(a!)?.template;
    const second = byFile.get(b!)?.probe;
    return { fold: Number(fold), same: same === '1', cosine: first && second ? cosineOfPair(first, second) : -1 };
  });
  const trials = openSetTrials(photos, { trials: 20, seed: 1 });
  const qualities = photos.map(({ quality }) => quality).toSorted((x, y) => x - y);
  return {
    pack,
    photos: photos.length,
    photosWithoutFace: photos.filter(({ probe }) => !probe).length,
    verification: verificationAccuracy(pairs),
    openSet: {
      gallerySize: trials[0]!.gallerySize,
      rankOne: 1 - mean(trials.map((trial) => falseNegativeRate(trial, -1))),
      fnirAtFpir1Percent: mean(trials.map((trial) => falseNegativeRate(trial, thresholdAt(trial, 0.01)))),
      promised: [0.01, 0.001].map((fpir) => ({
        fpir,
        fpirMeasured: mean(
          trials.map((trial) => falsePositiveRate(trial, thresholdOf(calibration, fpir, trial.gallerySize))),
        ),
        fnir: mean(trials.map((trial) => falseNegativeRate(trial, thresholdOf(calibration, fpir, trial.gallerySize)))),
      })),
    },
    missedBySize: missedBySize(photos, calibration),
    ...(await measureGroups(extractor, folder)),
    quality: {
      median: qualities[Math.floor(qualities.length / 2)]!,
      low: qualities[Math.floor(qualities.length / 100)]!,
    },
    photosPerCpuSecond: probesPerCpuSecond,
    enrolledPerCpuSecond: templatesPerCpuSecond,
  };
}

/** Counts faces on group photos. `min_faces` is the number of faces there; on each photo at most that many found faces count. */
export async function measureGroups(
  extractor: Extractor,
  folder: string,
  onPhoto: (file: string, found: number, range: readonly [number, number]) => void = () => {},
): Promise<Pick<AccuracyReport, 'groupFaces' | 'falseFacesOnPicturesWithout'>> {
  const sums = { small: { found: 0, there: 0 }, large: { found: 0, there: 0 }, falseFaces: 0 };
  for (const { file, min_faces, max_faces } of await readTable(join(folder, 'groups.csv'))) {
    const [least, most] = [Number(min_faces), Number(max_faces)];
    const { faces } = await extractor.extract(await readFile(join(folder, file!)), { embed: false });
    onPhoto(file!, faces.length, [least, most]);
    if (most === 0) sums.falseFaces += faces.length;
    const group = least > 10 ? sums.large : sums.small;
    group.found += Math.min(faces.length, least);
    group.there += least;
  }
  return {
    groupFaces: { upTo10: sums.small.found / sums.small.there, over10: sums.large.found / sums.large.there },
    falseFacesOnPicturesWithout: sums.falseFaces,
  };
}

/** Reads a CSV file with a header. Cells in double quotes may contain commas. */
export async function readTable(path: string): Promise<Record<string, string>[]> {
  const lines = (await readFile(path, 'utf8')).trim().split(/\r?\n/);
  const cells = (line: string) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const names = cells(lines[0]!);
  return lines.slice(1).map((line) => Object.fromEntries(cells(line).map((cell, i) => [names[i]!, cell])));
}
