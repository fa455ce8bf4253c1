/** What an aggregate makes of some records: in a window of a pipeline, or folded by hand. */
import assert from "node:assert/strict";
import { type Aggregate, fromIterable, tumbling } from "../../src/index.ts";
import { runBoth } from "./run-both.ts";

/** The result of one aggregate over a window of all records, all before 10. */
export async function over<In extends { readonly at: number }, Out>(
  records: readonly In[],
  one: Aggregate<In, any, Out>,
): Promise<Out> {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(records), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: 100 } })
      .keyBy(() => "all")
      .window(tumbling(10))
      .aggregate({ it: one }),
  }));
  assert.equal(out.length, 1);
  return out[0].it as Out;
}

/** The accumulator with one record more; what it takes of the record is not checked. */
export function addOne<In, Acc>(one: Aggregate<In, Acc, unknown>, acc: Acc, record: In, at = 0): Acc {
  return one.add(acc, one.input === undefined ? record : one.input(record), at, record);
}

/** The accumulator of all records, in their order. */
export function accumulated<In, Acc>(one: Aggregate<In, Acc, unknown>, records: Iterable<In>): Acc {
  let acc = one.create();
  for (const record of records) acc = addOne(one, acc, record);
  return acc;
}

/** The result of all records, in their order. */
export function folded<In, Out>(one: Aggregate<In, any, Out>, records: Iterable<In>): Out {
  return one.result(accumulated(one, records));
}
