import type { DetectedFace, QualityReason } from './face.ts';

/** Details of AMBIGUOUS_FACE: the faces of similar size. */
export class AmbiguousFaces {
  readonly faces: readonly Pick<DetectedFace, 'box' | 'confidence'>[];

  /** Name of the photo, for a request with two photos. */
  readonly field: string | undefined;

  constructor(faces: AmbiguousFaces['faces'], field?: string) {
    this.field = field;
    // Only these fields: an error is logged, and a face may have an embedding.
    this.faces = faces.map(({ box, confidence }) => ({ box, confidence }));
  }
}

/** Details of FACE_REJECTED: each rejected face, and the reasons. */
export class RejectedFaces {
  readonly rejected: readonly {
    readonly face: Pick<DetectedFace, 'box' | 'quality'>;
    readonly reasons: readonly QualityReason[];
  }[];

  constructor(rejected: RejectedFaces['rejected']) {
    // Only these fields: see AmbiguousFaces.
    this.rejected = rejected.map(({ face: { box, quality }, reasons }) => ({ face: { box, quality }, reasons }));
  }
}
