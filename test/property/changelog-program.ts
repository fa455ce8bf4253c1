/** Pipelines over one window with every way of replacing a pane, for the properties of changelogs; and what to feed them. */
import fc from "fast-check";
import {
  type AggregatedStream,
  collect,
  cumulating,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  globalWindow,
  max,
  onTime,
  type Pipeline,
  repeatedly,
  type Source,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import type { TraceItem } from "../../src/testing/index.ts";

export interface Item {
  readonly k: string;
  readonly at: number;
  readonly v: number;
}

/** A result of any of the windows. */
export interface Row {
  readonly key: string;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly pane: string;
  readonly paneIndex: number;
  readonly replaces?: readonly { readonly start: number; readonly end: number }[];
  readonly top?: number;
  readonly list?: readonly number[];
}

export interface Program {
  readonly windows: WindowAssigner<Item>;
  readonly options: WindowOptions;
  /** Without the list, panes often say the same. */
  readonly withList: boolean;
  readonly boundMs: number;
}

const timed: fc.Arbitrary<WindowAssigner<Item>> = fc.oneof(
  fc.constantFrom(tumbling(10), sliding(12, 5), cumulating(20, 5)),
  fc.constantFrom(
    session(5),
    session(5, { maxDuration: 12 }),
    session((item: Item) => 1 + 3 * item.v),
  ),
);
const triggers = [
  onTime({ early: everyCount(2) }),
  onTime({ early: everyEventTime(4), late: everyCount(2) }),
  onTime({ early: everyProcessingTime(20), late: everyProcessingTime(30) }),
  repeatedly(everyCount(2)),
];
const lateness = fc.constantFrom(0, 5, 20);

const windowing: fc.Arbitrary<Pick<Program, "windows" | "options">> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ windows: timed, options: fc.record({ allowedLateness: lateness }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      windows: timed,
      options: fc.record({ allowedLateness: lateness, trigger: fc.constantFrom(...triggers) }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      windows: fc.constant(globalWindow()),
      options: fc.record({ trigger: fc.constantFrom(...triggers) }),
    }),
  },
);

export const programs: fc.Arbitrary<Program> = fc
  .tuple(windowing, fc.boolean(), fc.constantFrom(0, 6))
  .map(([windowing, withList, boundMs]) => ({ ...windowing, withList, boundMs }));

/** Records that go forward in time by and by, a good part of them late. */
export const itemLists = (maxLength: number): fc.Arbitrary<readonly Item[]> =>
  fc
    .array(fc.record({ k: fc.constantFrom("a", "b"), back: fc.nat(25), on: fc.nat(5), v: fc.nat(3) }), {
      maxLength,
      size: "max",
    })
    .map((steps) => {
      let now = 0;
      return steps.map(({ k, back, on, v }) => {
        now += on;
        return { k, at: now - (back % 3 === 0 ? back : 0), v };
      });
    });

/** The records, and time that passes between them. */
export const traces = (maxLength: number): fc.Arbitrary<readonly TraceItem[]> =>
  fc
    .tuple(itemLists(maxLength), fc.array(fc.constantFrom(0, 0, 7, 40), { minLength: 1, maxLength: 12 }))
    .map(([items, pauses]) =>
      items.flatMap((record, i): TraceItem[] => {
        const advanceMs = pauses[i % pauses.length];
        return advanceMs === 0 ? [{ source: "in", record }] : [{ source: "in", record }, { advanceMs }];
      }),
    );

export function resultsOf(
  app: Pipeline,
  source: Source<Item>,
  { windows, options, withList, boundMs }: Program,
): AggregatedStream<Row, Item> {
  const top = max((item: Item) => item.v);
  const windowed = app
    .source(source, {
      name: "in",
      timestamp: (item) => item.at,
      watermark: { maxOutOfOrderness: boundMs },
    })
    .keyBy((item) => item.k)
    .window(windows, options);
  const list = collect((item: Item) => item.v);
  return (withList ? windowed.aggregate({ top, list }) : windowed.aggregate({ top })) as AggregatedStream<
    any,
    Item
  >;
}
