/**
 * The order in which inputs that end are taken: of the partitions' next records the one with the least timestamp, of
 * equal ones that of the first source and partition. A partition's word on time, and its end, come right behind the
 * record before them, for until then nobody knows its next record.
 */
import type { Inputs, Trace, TraceItem } from "../case/items.ts";

/** The trace, and beside it the place of each input in its partition. */
export function mergedTrace(
  inputs: Inputs,
  sources: ReadonlySet<number>,
): { trace: Trace; places: readonly number[] } {
  const trace: TraceItem[] = [];
  const places: number[] = [];
  const lanes = inputs.flatMap((partitions, source) =>
    sources.has(source)
      ? partitions.map((items, partition) => ({ source, partition, items, at: 0, ended: false }))
      : [],
  );
  for (;;) {
    for (const lane of lanes)
      while (lane.at < lane.items.length && "bad" in lane.items[lane.at]) lane.at += 1;
    const live = lanes.filter((lane) => !lane.ended);
    if (live.length === 0) return { trace, places };
    const timeOf = ({ items, at }: (typeof lanes)[number]): number => {
      const item = items[at];
      return item !== undefined && "record" in item ? item.record.at : Number.NEGATIVE_INFINITY;
    };
    const next = live.reduce((best, lane) => (timeOf(lane) < timeOf(best) ? lane : best));
    const { source, partition, items, at } = next;
    const item = items[at];
    places.push(at);
    if (item === undefined) {
      next.ended = true;
      trace.push({ source, partition, end: true });
    } else if (!("bad" in item)) {
      next.at += 1;
      trace.push({ source, partition, ...item });
    }
  }
}
