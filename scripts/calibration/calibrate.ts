import type { Calibration } from '../../shared/domain/calibration.ts';
import { templateLimit } from '../../shared/domain/gallery-size.ts';
import { mateCosines, openSetTrials } from '../bench/open-set.ts';
import type { PersonPhoto } from '../bench/people.ts';
import { falseNegativeRate, mean, thresholdAt } from '../bench/statistics.ts';
import { type CrossFitRow, crossFit } from './cross-fit.ts';
import { fitCalibration, fitMates } from './fit.ts';
import { measureStrangers } from './strangers.ts';

/**
 * Returns the text of a pack's calibration file. Its field `source` has the measured FPIR of the thresholds, and `mates` the measured
 * miss rates. Writes progress to `log`.
 */
export function calibrate(
  photos: readonly PersonPhoto[],
  described: { readonly pack: string; readonly dataSet: string; readonly date: string },
  log: (line: string) => void,
): string {
  const strangers = measureStrangers(photos, 1);
  const checked = crossFit(photos, 6, 2);
  const trials = openSetTrials(photos, { trials: 20, seed: 3 });
  const fnir = mean(trials.map((trial) => falseNegativeRate(trial, thresholdAt(trial, 0.01))));
  log(`${strangers.people} people; tail error ${strangers.tailError.toFixed(4)}; FNIR at FPIR 1 % ${percent(fnir)}`);
  for (const row of checked) log(crossFitLine(row));
  const source =
    `scripts/calibrate.ts, ${described.date}, pack ${described.pack}, on ${described.dataSet}: ${strangers.people} people, ` +
    `${photos.length} photos. Thresholds fitted on one half of the people and tested on the other half, six times: ` +
    `${checked.map(crossFitLine).join('; ')}.`;
  const calibration = { ...fitCalibration(strangers, source), ...matesOf(photos, described) };
  log(`templates at which 20 % of the enrolled people are missed at FPIR 1 %: ${templateLimit(calibration)}`);
  return `${JSON.stringify(calibration, null, 2)}\n`;
}

/** Empty when no person has two photos. */
export function matesOf(
  photos: readonly PersonPhoto[],
  { pack, dataSet, date }: { readonly pack: string; readonly dataSet: string; readonly date: string },
): Pick<Calibration, 'mates'> {
  const cosines = mateCosines(photos);
  if (cosines.length === 0) return {};
  const source =
    `scripts/calibrate.ts, ${date}, pack ${pack}, on ${dataSet}: ${cosines.length} people with two photos. ` +
    'The first photo is the template, the second photo the probe.';
  return { mates: fitMates(cosines, source) };
}

const crossFitLine = ({ fpir, gallerySize, measured, worstSplit }: CrossFitRow): string =>
  `FPIR target ${percent(fpir)} with ${gallerySize} enrolled: ${percent(measured)} measured (worst split ${percent(worstSplit)})`;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
