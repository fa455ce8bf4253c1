/**
 * Exact sums of doubles, as expansions: several doubles whose exact sum is the value.
 *
 * Invariant: the parts are not zero, ascend in magnitude, and no two have a bit in the same place. So there can't be
 * more than a double has places (2,098); as a rule there are two or three.
 *
 * Cost of a number: six additions per part. No sum may overflow: the caller keeps numbers below 2^960.
 *
 * Source: Shewchuk, "Adaptive precision floating-point arithmetic and fast robust geometric predicates" (1997), as in
 * Python's math.fsum (R. Hettinger, M. Dickinson).
 */
export type Expansion = number[];

/** The expansion with one number more. */
export function grow(parts: Expansion, x: number): void {
  let kept = 0;
  for (let i = 0; i < parts.length; i++) {
    const y = parts[i];
    const sum = x + y;
    const error = Math.abs(x) < Math.abs(y) ? x - (sum - y) : y - (sum - x);
    if (error !== 0) parts[kept++] = error;
    x = sum;
  }
  parts.length = kept;
  if (x !== 0) parts.push(x);
}

/** The double nearest to the exact sum, of two as near the even one. */
export function nearest(parts: Expansion): number {
  let i = parts.length - 1;
  if (i < 0) return 0;
  let sum = parts[i--];
  let error = 0;
  while (i >= 0 && error === 0) {
    const before = sum;
    const y = parts[i--];
    sum = before + y;
    error = y - (sum - before);
  }
  // Half-way, `+` went to the even one; what is below may pull it to the other.
  if (i >= 0 && error !== 0 && error < 0 === parts[i] < 0) {
    const other = sum + 2 * error;
    if (other - sum === 2 * error) return other;
  }
  return sum;
}
