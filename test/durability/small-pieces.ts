/** A source that hands its records over in small pieces, so that a job takes many turns, and has many epochs. */
import type { Partition, Source } from "../../src/connector/contract.ts";

export function inSmallPieces<T>(source: Source<T>, most: number): Source<T> {
  return {
    ...source,
    async open(context) {
      return (await source.open(context)).map((partition) => piecemeal(partition, most, context.wake));
    },
  };
}

function piecemeal<T>(partition: Partition<T>, most: number, wake: () => void): Partition<T> {
  return {
    id: partition.id,
    poll(into, at, max) {
      const n = partition.poll(into, at, Math.min(max, most));
      if (n === most) wake();
      return n;
    },
    get ended() {
      return partition.ended;
    },
    get caughtUp() {
      return partition.caughtUp;
    },
    locate: (index) => partition.locate(index),
    position: (index) => partition.position?.(index) ?? null,
    close: () => partition.close(),
  };
}
