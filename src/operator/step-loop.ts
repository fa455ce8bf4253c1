/**
 * The loop of a head with one input and state: record, then watermark, slot after slot, resumable between any two
 * steps. Made anew per stage like the heads themselves, so that its calls are its own.
 */
import type { HeadPorts } from "./contract.ts";

/**
 * @param ports.holdMs how far the head's watermark stays behind that of its input: it works, and marks, as late as that
 * @param process deals with one record, judged by the watermark before it
 * @param advance moves to a greater watermark, fires what is due and marks; false when an output is full, and then it
 *   is called again with the same watermark
 */
export function stepLoop(
  ports: HeadPorts & { readonly holdMs?: number },
  process: (value: unknown, timestamp: number) => void,
  advance: (to: number) => boolean,
): () => boolean {
  const { inputs, idle, full, begin, position, counts, NONE, IDLE, holdMs = 0 } = ports;
  const input = inputs[0];
  let reached = Number.NEGATIVE_INFINITY;
  let next = 0;
  /** The record at `next` is done, its watermark is not. */
  let advancing = false;

  return function run() {
    const { n, values, ts, wm, ord, ordered } = input;
    if (next === 0 && !advancing && input.start - holdMs > reached) {
      if (!advance(input.start - holdMs)) return false;
      reached = input.start - holdMs;
    }
    let i = next;
    let records = 0;
    try {
      for (; i < n; i++) {
        if (!advancing) {
          if (full()) return false;
          begin();
          if (ordered) position.ordinal = ord[i];
          const value = values[i];
          if (value === IDLE) {
            idle();
          } else if (value !== NONE) {
            process(value, ts[i]);
            records += 1;
          }
        }
        const to = wm[i] - holdMs;
        if (to > reached) {
          advancing = true;
          if (!advance(to)) return false;
          reached = to;
        }
        advancing = false;
      }
      return true;
    } finally {
      // Also when MISS is thrown: the engine calls again for the step at hand.
      counts[0] += records;
      next = i < n ? i : 0;
    }
  };
}
