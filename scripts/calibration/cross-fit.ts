import { thresholdOf } from '../../shared/domain/decision.ts';
import { cosineOfPair } from '../../shared/domain/similarity.ts';
import { byPerson } from '../bench/open-set.ts';
import type { PersonPhoto } from '../bench/people.ts';
import { mean, randomFrom, shuffled } from '../bench/statistics.ts';
import { fitCalibration } from './fit.ts';
import { measureStrangers } from './strangers.ts';

/** False-positive identification rate, measured on people who were not used to fit the thresholds. */
export interface CrossFitRow {
  readonly fpir: number;
  readonly gallerySize: number;
  readonly measured: number;
  /** The highest rate of one split. */
  readonly worstSplit: number;
  /** Number of strangers' probes in all splits. */
  readonly probes: number;
}

/** Calibrates on one half of the people and measures on the other half. Repeats this `splits` times with other halves. */
export function crossFit(photos: readonly PersonPhoto[], splits: number, seed: number): CrossFitRow[] {
  const random = randomFrom(seed);
  const people = byPerson(photos.filter(({ template }) => template));
  const rows = new Map<string, { fpir: number; gallerySize: number; rates: number[]; probes: number }>();
  for (let split = 0; split < splits; split++) {
    const order = shuffled(people, random);
    const half = Math.floor(order.length / 2);
    const calibration = fitCalibration(measureStrangers(order.slice(0, half).flat(), seed + split), 'cross-fit');
    for (const gallerySize of [10, 50, 150].filter((size) => size <= half / 2)) {
      const highest = strangersBest(order.slice(half), gallerySize, random);
      for (const fpir of [0.01, 0.001]) {
        const threshold = thresholdOf(calibration, fpir, gallerySize);
        const row = rows.get(`${fpir}/${gallerySize}`) ?? { fpir, gallerySize, rates: [], probes: 0 };
        row.rates.push(highest.filter((value) => value >= threshold).length / highest.length);
        row.probes += highest.length;
        rows.set(`${fpir}/${gallerySize}`, row);
      }
    }
  }
  return [...rows.values()].map(({ rates, ...row }) => ({
    ...row,
    measured: mean(rates),
    worstSplit: Math.max(...rates),
  }));
}

/** For each stranger's probe, the highest cosine with a gallery. Draws ten random galleries. */
function strangersBest(people: readonly PersonPhoto[][], gallerySize: number, random: () => number): number[] {
  const any = (own: readonly PersonPhoto[]) => own[Math.floor(random() * own.length)]!;
  return Array.from({ length: 10 }, () => {
    const order = shuffled(people, random);
    const gallery = order.slice(0, gallerySize).map((own) => any(own).template!);
    return order.slice(gallerySize).map((own) => {
      const probe = any(own).probe!;
      return gallery.reduce((best, template) => Math.max(best, cosineOfPair(probe, template)), -1);
    });
  }).flat();
}
