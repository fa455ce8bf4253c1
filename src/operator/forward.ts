/** The head of a source's stage: hands on what the intake stamped. */
import type { Head, HeadPorts } from "./contract.ts";

export function forwardHead({
  inputs,
  emit,
  mark,
  idle,
  full,
  begin,
  position,
  counts,
  NONE,
  IDLE,
}: HeadPorts): Head {
  const input = inputs[0];
  let next = 0;
  return {
    run() {
      const { n, values, ts, wm, ord, ordered } = input;
      let records = 0;
      let i = next;
      for (; i < n && !full(); i++) {
        begin();
        position.ordinal = ordered ? ord[i] : i;
        const value = values[i];
        if (value === IDLE) {
          idle();
        } else if (value !== NONE) {
          records += 1;
          emit(value, ts[i]);
        }
        mark(wm[i]);
      }
      counts[0] += records;
      next = i < n ? i : 0;
      return i === n;
    },
  };
}
