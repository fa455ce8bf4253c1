/** Times of day for tests, as milliseconds of 1970-01-01. */
export function at(time: string): number {
  const [h, m, s = "0"] = time.split(":");
  return ((Number(h) * 60 + Number(m)) * 60 + Number(s)) * 1000;
}

/** The inverse of `at`. */
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
