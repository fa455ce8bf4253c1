/**
 * Random programs for process(): every record says what is to be done with the states, timers and outputs of its key.
 * One interpreter does it through the API; process-oracle.ts does it by hand.
 */
import fc from "fast-check";
import {
  forEach,
  fromIterable,
  type JobOptions,
  listState,
  mapState,
  output,
  type Pipeline,
  pipeline,
  type Sink,
  type Source,
  valueState,
} from "../../src/index.ts";
import type { TraceItem } from "../../src/testing/index.ts";

export const NAMES = ["", "a", "b"] as const;
type Name = (typeof NAMES)[number];

export type Action =
  | { readonly do: "add"; readonly by: number }
  | { readonly do: "clear"; readonly what: "total" | "items" | "seen" }
  | { readonly do: "append"; readonly value: number }
  | { readonly do: "put"; readonly key: number; readonly value: number }
  | { readonly do: "bump" | "remove"; readonly key: number }
  | { readonly do: "timer"; readonly name: Name; readonly inMs: number; readonly isEvent: boolean }
  | { readonly do: "cancel"; readonly name: Name }
  | { readonly do: "show" }
  | { readonly do: "tell"; readonly value: number }
  | { readonly do: "throw" };

export interface Item {
  readonly key: string;
  readonly at: number;
  readonly actions: readonly Action[];
}

/** null: for ever. */
export interface Ttls {
  readonly total: number | null;
  readonly items: number | null;
  readonly seen: number | null;
}

export interface Program {
  readonly ttls: Ttls;
  readonly ttlTime: "event" | "processing";
  readonly touches: boolean;
  readonly trace: readonly TraceItem[];
}

/** What a record or timer sees of its key. */
export interface Shown {
  readonly key: string;
  readonly by: string;
  readonly total: number;
  readonly items: readonly number[];
  readonly seen: readonly (readonly [number, number])[];
  readonly one: number | null;
  readonly watermark: number;
  readonly time: number;
}

export const BOUND_MS = 3;

export interface Ends {
  readonly source: Source<Item>;
  readonly shown: Sink<Shown>;
  readonly told: Sink<number>;
  readonly options: JobOptions;
}

const SILENT: Ends = {
  source: fromIterable<Item>([]),
  shown: forEach(() => {}),
  told: forEach(() => {}),
  options: {},
};

export function build({ ttls, ttlTime, touches }: Program, ends: Ends = SILENT): Pipeline {
  const app = pipeline("program", ends.options);
  const option = (ttl: number | null) => (ttl === null ? {} : { ttl, ttlTime });
  const processed = app
    .source(ends.source, {
      name: "items",
      timestamp: (item) => item.at,
      watermark: { maxOutOfOrderness: BOUND_MS },
    })
    .keyBy((item) => item.key)
    .process(
      {
        state: {
          // An object, to be changed in place and set again.
          total: valueState<{ n: number }>({ initial: () => ({ n: 0 }), ...option(ttls.total) }),
          items: listState<{ v: number }>(option(ttls.items)),
          seen: mapState<number, { v: number }>(option(ttls.seen)),
        },
        emits: output<Shown>(),
        outputs: { told: output<number>() },
        ...(touches
          ? { touches: { seen: (item: Item) => item.actions.map(keyOfAction), items: "all" } }
          : {}),
        onRecord(item, ctx) {
          const { total, items, seen } = ctx.state;
          for (const action of item.actions) {
            switch (action.do) {
              case "add": {
                const sum = total.get();
                sum.n += action.by;
                total.set(sum);
                break;
              }
              case "clear":
                ctx.state[action.what].clear();
                break;
              case "append":
                items.add({ v: action.value });
                break;
              case "put":
                seen.set(action.key, { v: action.value });
                break;
              case "bump": {
                const entry = seen.get(action.key) ?? { v: 0 };
                entry.v += 1;
                seen.set(action.key, entry);
                break;
              }
              case "remove":
                seen.delete(action.key);
                break;
              case "timer":
                if (action.isEvent) ctx.timers.setEventTime(action.name, item.at + action.inMs);
                else ctx.timers.setProcessingTime(action.name, ctx.time + action.inMs);
                break;
              case "cancel":
                ctx.timers.delete(action.name);
                break;
              case "show":
                show("record", ctx);
                break;
              case "tell":
                ctx.output("told", action.value, item.at + action.value);
                break;
              case "throw":
                throw new Error("as the program says");
            }
          }
        },
        onTimer(timer, ctx) {
          show(`${timer.domain} ${timer.name} ${timer.time}`, ctx);
          if (timer.name === "a" && ctx.state.total.get().n > 0) {
            ctx.state.total.set({ n: ctx.state.total.get().n - 1 });
            if (timer.domain === "event") ctx.timers.setEventTime("a", timer.time + 2);
            else ctx.timers.setProcessingTime("a", timer.time + 2);
          }
          if (timer.name === "b") {
            ctx.state.items.add({ v: timer.time });
            if (ctx.state.total.get().n < 0) {
              ctx.timers.setEventTime(timer.time + 1);
              throw new Error("as the program says");
            }
          }
        },
      },
      { onError: "skip" },
    );
  processed.to(ends.shown, { name: "shown" });
  processed.outputs.told.to(ends.told, { name: "told" });
  return app;
}

const keyOfAction = (action: Action): number => ("key" in action ? action.key : 0);

interface Context {
  readonly key: string;
  readonly watermark: number;
  readonly time: number;
  readonly state: {
    readonly total: { get(): { n: number } };
    readonly items: { get(): { v: number }[] };
    readonly seen: { entries(): [number, { v: number }][]; get(key: number): { v: number } | undefined };
  };
  emit(value: Shown): void;
}

function show(by: string, { key, watermark, time, state, emit }: Context): void {
  emit({
    key,
    by,
    total: state.total.get().n,
    items: state.items.get().map(({ v }) => v),
    seen: state.seen.entries().map(([k, { v }]) => [k, v] as const),
    one: state.seen.get(1)?.v ?? null,
    watermark,
    time,
  });
}

const small = fc.integer({ min: -2, max: 3 });
const name = fc.constantFrom(...NAMES);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: small.map((by) => ({ do: "add" as const, by })) },
  fc
    .constantFrom("total" as const, "items" as const, "seen" as const)
    .map((what) => ({ do: "clear" as const, what })),
  { weight: 2, arbitrary: small.map((value) => ({ do: "append" as const, value })) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("put" as const), key: small, value: small }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("bump" as const, "remove" as const), key: small }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("timer" as const),
      name,
      inMs: fc.constantFrom(-4, 0, 1, 2, 5, 9, 20),
      isEvent: fc.boolean(),
    }),
  },
  name.map((n) => ({ do: "cancel" as const, name: n })),
  { weight: 3, arbitrary: fc.constant({ do: "show" as const }) },
  small.map((value) => ({ do: "tell" as const, value })),
  { weight: 1, arbitrary: fc.constant({ do: "throw" as const }) },
);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      key: fc.constantFrom("k", "l", "m"),
      ahead: fc.integer({ min: -6, max: 6 }),
      actions: fc.array(action, { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ watermarkAhead: fc.integer({ min: -3, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ advanceMs: fc.integer({ min: 1, max: 8 }) }) },
);

const ttl = fc.constantFrom(null, null, 1, 4, 10);

export const program: fc.Arbitrary<Program> = fc
  .record({
    ttls: fc.record({ total: ttl, items: ttl, seen: ttl }),
    ttlTime: fc.constantFrom("event" as const, "processing" as const),
    touches: fc.boolean(),
    steps: fc.array(step, { maxLength: 30, size: "max" }),
  })
  .map(({ steps, ...rest }) => {
    let now = 0;
    const trace = steps.map((one): TraceItem => {
      if ("advanceMs" in one) return { advanceMs: one.advanceMs };
      if ("watermarkAhead" in one) return { source: "items", watermark: now + one.watermarkAhead };
      now = Math.max(now, now + one.ahead);
      const at = one.ahead < 0 ? now + one.ahead : now;
      return { source: "items", record: { key: one.key, at, actions: one.actions } satisfies Item };
    });
    return { ...rest, trace };
  });

/** Nothing of it hangs on the clock. */
export const eventTimeProgram: fc.Arbitrary<Program> = program.map((one) => ({
  ...one,
  ttlTime: "event",
  trace: one.trace.flatMap((item): TraceItem[] => {
    if (!("record" in item)) return [];
    const record = item.record as Item;
    const actions = record.actions.map((a): Action => (a.do === "timer" ? { ...a, isEvent: true } : a));
    return [{ ...item, record: { ...record, actions } }];
  }),
}));
