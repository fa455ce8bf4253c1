/** The timestamps of what waits in an operator: how far it may mark its output. An index: made anew from rows. */
import type { Timers } from "../state/timers.ts";

export interface HeldTimes {
  add(timestamp: number): void;
  /** Of one that was added. */
  remove(timestamp: number): void;
  /** The least one at or above a mark, which never falls; +Infinity for none. */
  leastFrom(mark: number): number;
}

/** @param heap an empty one, as its own */
export function heldTimes(heap: Timers): HeldTimes {
  /** How many there are of a timestamp. Each of them has an entry in the heap, unless it is below the mark. */
  const counts = new Map<number, number>();
  return {
    add(timestamp) {
      const count = counts.get(timestamp) ?? 0;
      counts.set(timestamp, count + 1);
      if (count === 0) heap.push(timestamp, 0);
    },

    remove(timestamp) {
      const count = counts.get(timestamp) ?? 0;
      if (count > 1) counts.set(timestamp, count - 1);
      else counts.delete(timestamp);
    },

    leastFrom(mark) {
      while (heap.next < mark || (heap.size > 0 && !counts.has(heap.next))) heap.pop();
      return heap.next;
    },
  };
}
