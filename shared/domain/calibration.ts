/**
 * What was measured of a model pack on labelled people, so that numbers mean the same for every pack.
 *
 * [Note: One similarity for every model]
 * Two strangers sit at cosine 0.01 with one network and at 0.83 with another, so a raw cosine tells a user nothing. The
 * similarity is a statement about strangers instead: 0.5 is reached by one pair of strangers in 1,000, and each further 0.1
 * means ten times fewer (0.6: 1 in 10,000; 0.7: 1 in 100,000), whatever the network; 1 is the identical embedding.
 * `shared/domain/similarity.ts` interpolates between the knots stored here.
 */
export interface Calibration {
  /** Where the numbers come from: data set, script, date. */
  readonly source: string;
  /** Strictly increasing in both; straight lines between them; first similarity 0, last cosine 1 with similarity 1. */
  readonly similarityKnots: readonly { readonly cosine: number; readonly similarity: number }[];
  /**
   * Highest cosine that a stranger's probe reaches against a gallery of N templates, as a quantile function:
   * the threshold for false-positive identification rate `fpir` is interpolated over ln N. See: [Note: Stricter with every person].
   */
  readonly identification: readonly {
    /** FPIR the row keeps, 0..1. Rows are sorted by falling fpir. */
    readonly fpir: number;
    /** cosine threshold = intercept + slope × ln(N), N = templates in the gallery, N >= 1; capped at `ceiling`. */
    readonly intercept: number;
    readonly slope: number;
    readonly ceiling: number;
  }[];
}
