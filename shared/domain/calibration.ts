/**
 * Measurements of a model pack on labelled photos. They make similarities and thresholds comparable between packs.
 *
 * [Note: One similarity for every model]
 * Two strangers have a cosine of 0.01 with one network and of 0.83 with another, so a raw cosine has no meaning for a user. The
 * similarity is defined by pairs of strangers instead: one pair in 1,000 has a similarity of 0.5 or more, and each further 0.1 means ten
 * times fewer pairs (0.6: 1 in 10,000; 0.7: 1 in 100,000). This is true for every network. 1 is the identical embedding.
 * `shared/domain/similarity.ts` interpolates between the knots that are stored here.
 */
export interface Calibration {
  /** Source of the numbers: data set, script, date. */
  readonly source: string;
  /** Both numbers strictly increase; linear interpolation in between. The first similarity is 0; the last cosine and similarity are 1. */
  readonly similarityKnots: readonly { readonly cosine: number; readonly similarity: number }[];
  /**
   * Threshold of the cosine for each false-positive identification rate (FPIR), in a gallery of N templates. It is a quantile of the
   * highest cosine that a stranger's probe reaches. See: [Note: Threshold grows with the gallery]
   */
  readonly identification: readonly {
    /** FPIR of this row, 0..1. Rows are sorted by falling FPIR. */
    readonly fpir: number;
    /** Threshold = intercept + slope × ln(N), at most `ceiling`. N is the number of templates in the gallery, at least 1. */
    readonly intercept: number;
    readonly slope: number;
    readonly ceiling: number;
  }[];
  /**
   * Cosines of mates: the probe and the template of one person, from two photos. Absent when they were not measured with this pack: the
   * calibration is older, or belongs to another pack. See: [Note: Expected miss rate]
   */
  readonly mates?:
    | {
        /** Source of the numbers: data set, script, date. */
        readonly source: string;
        /**
         * Share of the mates with a lower cosine, 0..1. Both numbers increase, the cosine strictly; linear interpolation in between. The
         * first share is that of photos without a face; the last cosine and share are 1.
         */
        readonly missed: readonly { readonly cosine: number; readonly share: number }[];
      }
    | undefined;
}
