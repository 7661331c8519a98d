/**
 * Interpolates linearly between knots, from their number `from` to their number `to`. Both numbers must rise from knot to knot. Returns
 * the number of the first or last knot for an `x` outside the knots.
 */
export function interpolate<From extends string, To extends string>(
  knots: readonly Readonly<Record<From | To, number>>[],
  x: number,
  from: From,
  to: To,
): number {
  const first = knots[0]!;
  const last = knots.at(-1)!;
  if (x <= first[from]) return first[to];
  if (x >= last[from]) return last[to];
  const upper = knots.findIndex((knot) => knot[from] >= x);
  const a = knots[upper - 1]!;
  const b = knots[upper]!;
  return a[to] + ((x - a[from]) / (b[from] - a[from])) * (b[to] - a[to]);
}
