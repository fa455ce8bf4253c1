/** The head of a source's stage: hands on what the intake stamped. */
import type { Head, HeadPorts } from "./contract.ts";

export function forwardHead({
  inputs,
  emit,
  mark,
  idle,
  room,
  begin,
  position,
  counts,
  NONE,
  IDLE,
}: HeadPorts): Head {
  const input = inputs[0];
  let next = 0;
  let watermark = Number.NEGATIVE_INFINITY;
  return {
    run() {
      const { n, values, ts, wm, ord, ordered, controls } = input;
      // Without event time, and wherever time stands still, no slot needs a look at its watermark.
      const moves = n > 0 && wm[n - 1] !== watermark;
      let i = next;
      let records = 0;
      try {
        for (let end = 0; i < n; ) {
          end = Math.min(n, i + room());
          if (end === i) return false;
          for (; i < end; i++) {
            begin();
            if (ordered) position.ordinal = ord[i];
            const value = values[i];
            if (controls === 0 || (value !== NONE && value !== IDLE)) {
              records += 1;
              emit(value, ts[i]);
            } else if (value === IDLE) {
              idle();
            }
            if (moves && wm[i] !== watermark) {
              watermark = wm[i];
              mark(watermark);
            }
          }
        }
        return true;
      } finally {
        counts[0] += records;
        next = i < n ? i : 0;
      }
    },
    slotAtHand: () => next,
    save: () => [watermark],
    restore(saved) {
      watermark = saved[0];
    },
  };
}
