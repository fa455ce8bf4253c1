/** Numbers, sizes and durations for people. */

/** @example 3410221 -> "3,410,221" */
export const numberText = (n: number): string => n.toLocaleString("en-US");

const PREFIXES = ["", "K", "M", "G", "T", "P"];

/**
 * With a decimal prefix and two or three digits; a unit may follow it.
 * @example 812_345 -> "812 K"; 1_200_000_000, "B" -> "1.2 GB"; 7 -> "7"
 */
export function scaled(n: number, unit = ""): string {
  let i = 0;
  // 999.5 would be rounded to 1000.
  while (n >= 999.5 && i < PREFIXES.length - 1) {
    n /= 1000;
    i += 1;
  }
  const digits = i > 0 && n < 9.95 ? n.toFixed(1) : String(Math.round(n));
  return `${digits} ${PREFIXES[i]}${unit}`.trimEnd();
}

/** @example 840 -> "840 ms"; 4200 -> "4.2 s"; 75_000 -> "1 min 15 s"; 4_320_000 -> "1 h 12 min" */
export function durationText(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return wholeSecondsText(Math.round(ms / 1000));
}

/** @example 4 -> "4 s"; 75 -> "1 min 15 s"; 4320 -> "1 h 12 min" */
export function wholeSecondsText(s: number): string {
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
