import { openSetTrials } from '../bench/open-set.ts';
import type { PersonPhoto } from '../bench/people.ts';
import { falseNegativeRate, mean, thresholdAt } from '../bench/statistics.ts';
import { type CrossFitRow, crossFit } from './cross-fit.ts';
import { fitCalibration } from './fit.ts';
import { measureStrangers } from './strangers.ts';

/** Returns the text of a pack's calibration file. Its field `source` has the measured FPIR of the thresholds. Writes progress to `log`. */
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
  return `${JSON.stringify(fitCalibration(strangers, source), null, 2)}\n`;
}

const crossFitLine = ({ fpir, gallerySize, measured, worstSplit }: CrossFitRow): string =>
  `FPIR target ${percent(fpir)} with ${gallerySize} enrolled: ${percent(measured)} measured (worst split ${percent(worstSplit)})`;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
