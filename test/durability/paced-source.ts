/** A source that hands its records over in small pieces, each when the one before is dealt with. */
import type { Partition, Source } from "../../src/connector/contract.ts";

/**
 * @param most records of a piece
 * @param pace called behind each piece: the next one waits for it, and if it fails, so does the source
 */
export function paced<T>(source: Source<T>, most: number, pace: () => Promise<void>): Source<T> {
  return {
    ...source,
    async open(context) {
      const partitions = await source.open(context);
      return partitions.map((partition) => pacedPartition(partition, most, pace, context.wake));
    },
  };
}

function pacedPartition<T>(
  partition: Partition<T>,
  most: number,
  pace: () => Promise<void>,
  wake: () => void,
): Partition<T> {
  let waiting = false;
  /** Of the last poll that the partition knows of; and those of it that lie before what `poll` gave last. */
  let [given, before] = [0, 0];
  let failure: { readonly error: unknown } | null = null;
  const behindPiece = async (): Promise<void> => {
    waiting = true;
    try {
      await pace();
    } catch (error) {
      failure = { error };
    }
    waiting = false;
    wake();
  };
  return {
    id: partition.id,
    poll(into, at, max) {
      if (failure !== null) throw failure.error;
      before = waiting ? given : 0;
      if (waiting) return 0;
      given = partition.poll(into, at, Math.min(max, most));
      if (given > 0) void behindPiece();
      return given;
    },
    get ended() {
      return partition.ended && !waiting && failure === null;
    },
    get caughtUp() {
      return partition.caughtUp;
    },
    locate: (index) => partition.locate(before + index),
    position: (index) => partition.position?.(before + index) ?? null,
    close: () => partition.close(),
  };
}
