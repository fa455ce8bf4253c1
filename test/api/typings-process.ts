/** Typings of process(), as typings.ts has those of the other operators. Nothing here runs. */
import {
  fromIterable,
  type Key,
  type ListState,
  listState,
  type MapState,
  mapState,
  output,
  pipeline,
  type ProcessedStream,
  type Sink,
  type Stream,
  type Timer,
  type ValueState,
  valueState,
} from "../../src/index.ts";
import { t } from "../../src/schema/index.ts";
import { is, recordOf } from "./typings.ts";

interface Order {
  readonly user: string;
  readonly amount: number;
  readonly at: number;
}

const orders = pipeline("typings").source(fromIterable<Order>([]), { timestamp: (o) => o.at });
const users = orders.keyBy((o) => o.user);

export function statesAreTypedByTheirDeclaration(): void {
  const cart = t.object({ total: t.number, note: t.optional(t.string) });
  users.process({
    state: {
      maybe: valueState<number>(),
      sure: valueState<number>({ initial: () => 0 }),
      inferred: valueState({ initial: () => ({ n: 0 }) }),
      described: valueState({ schema: cart }),
      begun: valueState({ schema: cart, initial: () => ({ total: 0 }) }),
      all: listState<Order>({ ttl: "1h" }),
      seen: mapState<readonly [string, number], boolean>({ ttl: 5000, ttlTime: "processing" }),
    },
    onRecord(order, { key, state, timestamp, watermark, time }) {
      is<Order>()(order);
      is<string>()(key);
      is<number>()(timestamp + watermark + time);
      is<ValueState<number, number | undefined>>()(state.maybe);
      is<ValueState<number, number>>()(state.sure);
      is<{ n: number }>()(state.inferred.get());
      is<{ total: number; note?: string | undefined } | undefined>()(state.described.get());
      is<{ total: number; note?: string | undefined }>()(state.begun.get());
      is<ListState<Order>>()(state.all);
      is<Order[]>()(state.all.get());
      is<MapState<readonly [string, number], boolean>>()(state.seen);
      is<[readonly [string, number], boolean][]>()(state.seen.entries());
      // @ts-expect-error: a number is no text
      state.sure.set("1");
      // @ts-expect-error: there is no such state
      state.other;
      // @ts-expect-error: another key
      state.seen.get("a");
    },
    onTimer(timer, { key, state, timers }) {
      is<Timer>()(timer);
      is<"event" | "processing">()(timer.domain);
      is<string>()(key);
      is<number>()(state.sure.get());
      timers.setEventTime("x", timer.time + 1);
      timers.setProcessingTime(timer.time);
      timers.delete("x");
      timers.delete();
      // @ts-expect-error: a duration is no time
      timers.setEventTime("x", "1h");
    },
  });
}

export function whatIsGivenIsTyped(): void {
  const given = users.process({
    emits: output<{ user: string; total: number }>(),
    outputs: { large: output<Order>(), lengths: output<number>() },
    onRecord(order, { key, emit, output }) {
      emit({ user: key, total: order.amount });
      emit({ user: key, total: order.amount }, order.at);
      output("large", order);
      output("lengths", key.length, 5);
      // @ts-expect-error: a field is missing
      emit({ user: key });
      // @ts-expect-error: of another output
      output("lengths", order);
      // @ts-expect-error: there is no such output
      output("small", order);
    },
  });
  is<{ user: string; total: number }>()(recordOf(given));
  is<Stream<Order>>()(given.outputs.large);
  is<Stream<number>>()(given.outputs.lengths);
  // @ts-expect-error: there is no such output
  given.outputs.small;
  // @ts-expect-error: a sink of other records
  given.outputs.large.to({} as Sink<{ price: number }>);

  const silent = users.process({ onRecord: () => {} });
  is<ProcessedStream<never, {}>>()(silent);
  // @ts-expect-error: it does not say that it emits anything
  users.process({ onRecord: (order, { emit }) => emit(order) });
}

export function functionsAreSynchronous(): void {
  users.process({ onRecord: (order) => order.amount });
  // @ts-expect-error: async
  users.process({ onRecord: async () => {} });
  // @ts-expect-error: sometimes a promise
  users.process({ onRecord: (order) => (order.amount > 0 ? Promise.resolve() : undefined) });
  // @ts-expect-error: async
  users.process({ onRecord: () => {}, onTimer: async () => {} });
  // @ts-expect-error: async
  valueState({ initial: async () => 0 });
  users.process({
    onRecord(order) {
      // @ts-expect-error: there is no this
      this.onTimer;
      void order;
    },
  });
}

export function touchesNamesWhatCanBeLoadedAhead(): void {
  const state = { total: valueState<number>(), all: listState<number>(), seen: mapState<string, number>() };
  users.process({ state, touches: { seen: (order) => [order.user], all: "all" }, onRecord: () => {} });
  users.process({ state, touches: { seen: "all" }, onRecord: () => {} });
  // @ts-expect-error: keys of another type
  users.process({ state, touches: { seen: (order) => [order.amount] }, onRecord: () => {} });
  // @ts-expect-error: a value is loaded anyway
  users.process({ state, touches: { total: "all" }, onRecord: () => {} });
  // @ts-expect-error: there is no such state
  users.process({ state, touches: { other: "all" }, onRecord: () => {} });
}

export function optionsAreChecked(): void {
  valueState<number>({
    ttl: "1h",
    ttlTime: "event",
    version: 2,
    upcast: { 1: (old: string) => Number(old) },
  });
  // @ts-expect-error: no such unit
  valueState<number>({ ttl: "1 hour" });
  // @ts-expect-error: no such time
  listState<number>({ ttl: "1h", ttlTime: "wall" });
  // @ts-expect-error: the schema is of something else
  valueState<number>({ schema: t.string });
  // @ts-expect-error: an object is no key
  mapState<{ a: number }, number>();
  // @ts-expect-error: only valueState has an initial value
  listState<number>({ initial: () => [] });
  users.process({ onRecord: () => {} }, { name: "named", onError: "skip" });
  // @ts-expect-error: no such policy
  users.process({ onRecord: () => {} }, { onError: "ignore" });
  // @ts-expect-error: process comes behind keyBy
  orders.process({ onRecord: () => {} });
}

/** Code that is generic in the key and the record compiles. */
export function countPer<T, K extends Key>(
  stream: Stream<T>,
  keyOf: (value: T) => K,
): Stream<readonly [K, number]> {
  return stream.keyBy(keyOf).process({
    state: { n: valueState<number>({ initial: () => 0 }) },
    emits: output<readonly [K, number]>(),
    onRecord(_value, { key, state, emit }) {
      state.n.set(state.n.get() + 1);
      emit([key, state.n.get()]);
    },
  });
}
