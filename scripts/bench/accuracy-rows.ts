import { openExtractor } from '../../shared/adapters/in-process-extractor.ts';
import type { Config } from '../../shared/config.ts';
import { measureAccuracy } from './accuracy.ts';
import type { Goal, Row } from './rows.ts';

/** Goals in percent, except `photosPerCpuSecond`. */
interface Goals {
  readonly verification: number;
  readonly missed: number;
  /** Goal of both values of FNIR at 1 % FPIR: with each trial's own threshold, and with the shipped threshold. */
  readonly fnir: number;
  readonly groups: readonly [upTo10: number, over10: number];
  /** Goal for probes and for templates. */
  readonly photosPerCpuSecond: number;
}

/** Goals of each pack. Other packs have none, because users bring their own networks. */
const goalsOf: Readonly<Record<string, Goals>> = {
  builtin: { verification: 99.1, missed: 0.1, fnir: 21, groups: [95, 93], photosPerCpuSecond: 25 },
  'retinaface-mobilefacenet': { verification: 99.3, missed: 0, fnir: 4, groups: [97, 95], photosPerCpuSecond: 50 },
};

/** Measures accuracy on the labelled photos in `folder`. Rates are in percent. */
export async function measureAccuracyRows(folder: string, config: Config): Promise<Row[]> {
  const extractor = openExtractor(config);
  try {
    const report = await measureAccuracy(extractor, folder);
    const goals = goalsOf[report.pack];
    const atLeast = (figure?: number): Goal | undefined => (figure === undefined ? undefined : { atLeast: figure });
    const atMost = (figure?: number): Goal | undefined => (figure === undefined ? undefined : { atMost: figure });
    const row = (name: string, value: number, unit: string, goal?: Goal, note?: string): Row => ({
      section: 'accuracy',
      name,
      value,
      unit,
      goal,
      note,
    });
    const rate = (name: string, share: number, goal?: Goal, note?: string): Row =>
      row(name, share * 100, '%', goal, note);
    const { openSet, groupFaces } = report;
    return [
      rate('verification, 1:1', report.verification, atLeast(goals?.verification)),
      rate(`rank 1 among ${openSet.gallerySize}`, openSet.rankOne),
      rate('FNIR at 1 % FPIR, threshold of each trial', openSet.fnirAtFpir1Percent, atMost(goals?.fnir)),
      ...openSet.promised.flatMap(({ fpir, fpirMeasured, fnir }) => [
        rate(
          `FPIR, shipped threshold for ${fpir * 100} %`,
          fpirMeasured,
          atMost(fpir * 100),
          'the people of the calibration',
        ),
        rate('  FNIR there', fnir, fpir === 0.01 ? atMost(goals?.fnir) : undefined),
      ]),
      rate('photos without a face found', report.photosWithoutFace / report.photos, atMost(goals?.missed)),
      rate('faces found, groups up to 10', groupFaces.upTo10, atLeast(goals?.groups[0])),
      rate('faces found, groups over 10', groupFaces.over10, atLeast(goals?.groups[1])),
      row('faces found on pictures without faces', report.falseFacesOnPicturesWithout, '', atMost(0)),
      row('bytes to probe', report.photosPerCpuSecond, 'photos/CPU s', atLeast(goals?.photosPerCpuSecond)),
      row('bytes to template', report.enrolledPerCpuSecond, 'photos/CPU s', atLeast(goals?.photosPerCpuSecond)),
    ];
  } finally {
    await extractor.close();
  }
}
