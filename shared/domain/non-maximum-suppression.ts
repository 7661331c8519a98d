import type { Landmarks } from './face.ts';
import { type Box, intersectionOverUnion, type Point } from './geometry.ts';

/**
 * Non-maximum suppression: of boxes that overlap by more than `limit` (intersection over union, 0..1), keeps the one with the highest
 * score. The result is sorted, the highest score first.
 */
export function suppressOverlaps<T extends { readonly box: Box; readonly score: number }>(
  candidates: readonly T[],
  limit: number,
): T[] {
  const kept: T[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (kept.every((other) => intersectionOverUnion(other.box, candidate.box) <= limit)) kept.push(candidate);
  }
  return kept;
}

interface Candidate {
  readonly box: Box;
  readonly score: number;
  readonly landmarks: Landmarks;
}

/** Intersection over union at which two candidates are the same face and not neighbours. */
const voteOverlap = 0.5;

/**
 * Like suppressOverlaps, but box and landmarks of a kept face are the means of its overlapping candidates, weighted by score.
 *
 * [Note: Mean of overlapping candidates]
 * A detector returns one face from a dozen anchors, and non-maximum suppression drops all but one. The errors of the anchors are partly
 * independent, so their weighted mean is more exact. With RetinaFace and MobileFaceNet, verification rose from 99.25 to 99.33 %, and
 * FNIR at FPIR 1 % fell from 4.65 to 4.17 %. It costs no extra network run.
 */
export function mergeOverlaps<T extends Candidate>(candidates: readonly T[], limit: number): Candidate[] {
  return suppressOverlaps(candidates, limit).map((best) => {
    const voters = candidates.filter((other) => intersectionOverUnion(other.box, best.box) >= voteOverlap);
    const total = voters.reduce((sum, { score }) => sum + score, 0);
    const mean = (value: (voter: T) => number) =>
      voters.reduce((sum, voter) => sum + voter.score * value(voter), 0) / total;
    const point = (name: keyof Landmarks): Point => ({
      x: mean((voter) => voter.landmarks[name].x),
      y: mean((voter) => voter.landmarks[name].y),
    });
    return {
      score: best.score,
      box: {
        left: mean(({ box }) => box.left),
        top: mean(({ box }) => box.top),
        width: mean(({ box }) => box.width),
        height: mean(({ box }) => box.height),
      },
      landmarks: {
        left_eye: point('left_eye'),
        right_eye: point('right_eye'),
        nose: point('nose'),
        mouth_left: point('mouth_left'),
        mouth_right: point('mouth_right'),
      },
    };
  });
}
