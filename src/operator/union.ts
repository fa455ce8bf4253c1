/**
 * Union: several inputs as one. Slots are taken by (ordinal, port), which is the order in which one record at a time
 * would have brought them. The watermark is the least of the active inputs'; idle ones don't count, ended ones are
 * at +Infinity.
 */
import type { Head, HeadPorts } from "./contract.ts";

export function unionHead({
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
  const ports = inputs.length;
  const next = new Array<number>(ports).fill(0);
  const watermarks = new Array<number>(ports).fill(Number.NEGATIVE_INFINITY);
  const isIdle = new Array<boolean>(ports).fill(false);
  let watermark = Number.NEGATIVE_INFINITY;

  function settle(): void {
    let least = Number.POSITIVE_INFINITY;
    let active = 0;
    for (let p = 0; p < ports; p++) {
      if (isIdle[p]) continue;
      active += 1;
      if (watermarks[p] < least) least = watermarks[p];
    }
    if (active === 0) idle();
    else if (least > watermark) watermark = least;
    mark(watermark);
  }

  return {
    run() {
      let records = 0;
      for (;;) {
        let port = -1;
        let ordinal = Number.POSITIVE_INFINITY;
        for (let p = 0; p < ports; p++) {
          if (next[p] < inputs[p].n && inputs[p].ord[next[p]] < ordinal) {
            port = p;
            ordinal = inputs[p].ord[next[p]];
          }
        }
        if (port < 0 || full()) {
          counts[0] += records;
          if (port >= 0) return false;
          next.fill(0);
          return true;
        }
        begin();
        position.ordinal = ordinal;
        const input = inputs[port];
        const i = next[port]++;
        const value = input.values[i];
        isIdle[port] = value === IDLE;
        watermarks[port] = input.wm[i];
        if (value !== NONE && value !== IDLE) {
          records += 1;
          emit(value, input.ts[i]);
        }
        settle();
      }
    },

    save: () => [watermark, ...watermarks, ...isIdle.map(Number)],

    restore(saved) {
      watermark = saved[0];
      for (let p = 0; p < ports; p++) {
        watermarks[p] = saved[1 + p];
        isIdle[p] = saved[1 + ports + p] === 1;
      }
    },
  };
}
