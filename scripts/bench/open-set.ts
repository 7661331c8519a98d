import type { Calibration } from '../../shared/domain/calibration.ts';
import { thresholdOf } from '../../shared/domain/decision.ts';
import { cosineOfPair } from '../../shared/domain/similarity.ts';
import type { PersonPhoto } from './people.ts';
import { type OpenSetTrial, randomFrom, shuffled } from './statistics.ts';

export interface OpenSetOptions {
  readonly trials: number;
  readonly seed: number;
}

/**
 * Open-set trials. Each trial enrols a random half of the people who have two or more photos, with one photo each, and probes them with
 * another photo. All other people are strangers, and each is probed with one photo. A photo without a face is not used as a template; as
 * a probe it counts as missed.
 */
export function openSetTrials(photos: readonly PersonPhoto[], { trials, seed }: OpenSetOptions): OpenSetTrial[] {
  const random = randomFrom(seed);
  const people = byPerson(photos);
  const several = people.filter((own) => own.filter(({ template }) => template).length >= 2);
  return Array.from({ length: trials }, () => {
    const enrolled = new Set(shuffled(several, random).slice(0, Math.floor(several.length / 2)));
    const gallery: { person: string; template: Float32Array }[] = [];
    const probes: { person: string; probe: Float32Array | null }[] = [];
    for (const own of enrolled) {
      const order = shuffled(own, random);
      const first = order.find(({ template }) => template)!;
      const second = order.find((photo) => photo !== first)!;
      gallery.push({ person: first.person, template: first.template! });
      probes.push({ person: second.person, probe: second.probe });
    }
    const best = (probe: Float32Array, counts: (person: string) => boolean) =>
      gallery.reduce(
        (top, { person, template }) => (counts(person) ? Math.max(top, cosineOfPair(probe, template)) : top),
        -1,
      );
    return {
      gallerySize: gallery.length,
      mates: probes.map(({ person, probe }) =>
        probe
          ? { own: best(probe, (other) => other === person), other: best(probe, (other) => other !== person) }
          : { own: -1, other: -1 },
      ),
      strangers: people
        .filter((own) => !enrolled.has(own))
        .map((own) => shuffled(own, random)[0]!.probe)
        .map((probe) => (probe ? best(probe, () => true) : -1)),
    };
  });
}

/**
 * Shares of people, 0..1, who are missed in galleries of several sizes: the first photo is enrolled, and the second is below the shipped
 * threshold for that number of templates. Ignores that another person may be nearer, so the real share is higher.
 */
export function missedBySize(
  photos: readonly PersonPhoto[],
  calibration: Calibration,
): { templates: number; fpir: number; missed: number }[] {
  const cosines = mateCosines(photos);
  return [10, 156, 1000, 10_000, 100_000].flatMap((templates) =>
    [0.01, 0.001].map((fpir) => {
      const threshold = thresholdOf(calibration, fpir, templates);
      return { templates, fpir, missed: cosines.filter((value) => value < threshold).length / cosines.length };
    }),
  );
}

/**
 * For each person with two photos: the cosine of the first photo's template and the second photo's probe, -1..1; -1 when one of them has
 * no face.
 */
export function mateCosines(photos: readonly PersonPhoto[]): number[] {
  return byPerson(photos).flatMap(([first, second]) => {
    if (!first || !second) return [];
    return first.template && second.probe ? cosineOfPair(first.template, second.probe) : -1;
  });
}

/** The photos grouped by person, in their order. */
export function byPerson(photos: readonly PersonPhoto[]): PersonPhoto[][] {
  const people = new Map<string, PersonPhoto[]>();
  for (const photo of photos) {
    const own = people.get(photo.person);
    if (own) own.push(photo);
    else people.set(photo.person, [photo]);
  }
  return [...people.values()];
}
