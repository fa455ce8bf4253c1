/** Session windows. */
import type { Duration } from "../core/time.ts";
import { positive, type SessionWindows } from "./assigner.ts";

/**
 * A session per key: it lasts while records follow one another at most `gap` apart, and ends `gap` after its last.
 *
 * @param gap above zero; or a function that says each record's own: the session then ends at the greatest timestamp +
 *   gap of its records. It is called once per record. What it throws, and a gap that is no duration above zero, fails
 *   the record (by the operator's onError)
 * @param options.maxDuration above zero: a session is cut at its start + maxDuration, and the first record from there
 *   on begins the next one. It may be shorter than the gap. Default: never
 * @example session("30m")
 * @example visits.window(session((e) => (e.device === "phone" ? "5m" : "30m"), { maxDuration: "1d" }))
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function session<T>(
  gap: Duration | ((value: T) => Duration),
  options: { maxDuration?: Duration } = {},
): SessionWindows<T> {
  const what = "the gap of a session window";
  return {
    kind: "session",
    gapMs: typeof gap === "function" ? (value) => positive(gap(value), what) : positive(gap, what),
    maxDurationMs:
      options.maxDuration === undefined
        ? null
        : positive(options.maxDuration, "the maxDuration of a session window"),
  };
}
