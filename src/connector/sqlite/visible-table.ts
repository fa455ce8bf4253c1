/** A table under any guarantee but "exactly-once": rows are seen, a batch at a time, as soon as they are written. */
import type { OpenSink, SinkContext } from "../contract.ts";
import type { RowChange, RowChanges } from "./row-change.ts";
import type { TablePlace } from "./table-place.ts";

export async function openVisible<T>(
  place: TablePlace,
  rows: RowChanges,
  columns: readonly string[] | null,
  { guarantee, recovered }: SinkContext,
): Promise<OpenSink<T>> {
  if (recovered === null) await place.begin(columns);
  else {
    // Of a run that was exactly-once.
    for (const { epoch, handle } of recovered.handles) await place.commit(epoch, handle);
    await place.removeStaged([]);
    place.target.check(columns ?? []);
  }
  const isFlushed = guarantee === "at-least-once";
  let isDirty = false;
  return {
    async write(values, _timestamps, from, to) {
      const changes: RowChange[] = [];
      try {
        rows.read(values, from, to, changes);
      } finally {
        if (changes.length > 0) await place.apply(changes, rows.columns);
        isDirty ||= changes.length > 0;
      }
    },
    async flush() {
      if (!isFlushed || !isDirty) return;
      await place.flush();
      isDirty = false;
    },
    close: () => place.close(),
  };
}
