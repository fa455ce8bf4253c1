/**
 * Typings that hold without an annotation, checked by the compiler (`npm run types`, and typings.test.ts): what each
 * operator infers, and with @ts-expect-error what it refuses. Nothing here runs.
 */
import {
  type Aggregate,
  aggregate,
  type AggregatedStream,
  approxDistinctCount,
  avg,
  type Change,
  type ChangelogStream,
  collect,
  count,
  distinctCount,
  exactSum,
  first,
  forEach,
  fromAsyncIterable,
  fromIterable,
  generator,
  histogram,
  type Key,
  type KeyedStream,
  last,
  max,
  maxBy,
  median,
  min,
  minBy,
  ndjson,
  ndjsonFile,
  otherwise,
  type PaneKind,
  pipeline,
  quantile,
  quantiles,
  reduce,
  session,
  type Sink,
  sliding,
  type Source,
  stddev,
  type Stream,
  sum,
  toAsyncIterable,
  toConsole,
  topN,
  tumbling,
  variance,
  type WindowedStream,
  type WindowOutput,
} from "../../src/index.ts";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;

/** Compiles only where the type of the value is exactly Expected. */
export function is<Expected>() {
  return <Actual>(
    _value: Actual,
    ..._mismatch: Equal<Actual, Expected> extends true ? [] : [Expected, "is expected"]
  ): void => {};
}

/** The record type of a stream. */
export declare function recordOf<T>(stream: Stream<T>): T;

interface Order {
  readonly id: bigint;
  readonly user: string;
  readonly amount: number;
  readonly at: number;
  readonly channel: "web" | "shop";
  readonly voucher?: string;
  readonly paidOn: Date | null;
  readonly lines: readonly { readonly article: string; readonly pieces: number }[];
}

const app = pipeline("typings");
const orders = app.source(ndjson<Order>("orders.ndjson"), {
  timestamp: (o) => o.at,
  watermark: { maxOutOfOrderness: "5s" },
});

export function sourcesGiveTheirRecordType(): void {
  is<Stream<Order>>()(orders);
  is<Stream<number>>()(app.source(fromIterable([1, 2])));
  is<Stream<{ i: number }>>()(
    app.source(
      generator((i) => ({ i })),
      { timestamp: (r) => r.i },
    ),
  );
  is<Stream<string>>()(app.source(fromAsyncIterable(new ReadableStream<string>())));
  app.source(fromIterable([{ on: new Date(0) }]), { timestamp: (r) => r.on, watermark: "monotone" });
  // @ts-expect-error: text is no timestamp
  app.source(ndjson<Order>("a"), { timestamp: (o) => o.user });
  // @ts-expect-error: there is no such field
  app.source(ndjson<Order>("a"), { timestamp: (o) => o.time });
  // @ts-expect-error: a bound is a duration
  app.source(ndjson<Order>("a"), { timestamp: (o) => o.at, watermark: { maxOutOfOrderness: "5 seconds" } });
  // @ts-expect-error: no such strategy
  app.source(ndjson<Order>("a"), { timestamp: (o) => o.at, watermark: "sometimes" });
  // @ts-expect-error: a sink is no source
  app.source(toConsole());
}

export function mapInfersItsResult(): void {
  is<Stream<{ who: string; euros: number }>>()(orders.map((o) => ({ who: o.user, euros: o.amount / 100 })));
  is<Stream<"web" | "shop">>()(orders.map((o) => o.channel));
  is<Stream<string | undefined>>()(orders.map((o) => o.voucher));
  is<Stream<never>>()(
    orders.map(() => {
      throw new Error("no");
    }),
  );
  is<Stream<any>>()(orders.map((o) => JSON.parse(o.user)));
  // @ts-expect-error: async
  orders.map(async (o) => o.amount);
  // @ts-expect-error: sometimes a promise
  orders.map((o) => (o.amount > 0 ? Promise.resolve(1) : 2));
  // @ts-expect-error: no such field
  orders.map((o) => o.price);
}

export function filterNarrowsByTypeGuards(): void {
  is<Stream<Order>>()(orders.filter((o) => o.amount > 1000));
  is<Stream<Order & { voucher: string }>>()(
    orders.filter((o): o is Order & { voucher: string } => o.voucher !== undefined),
  );
  // The compiler infers the guard.
  is<Stream<string>>()(orders.map((o) => o.voucher).filter((voucher) => voucher !== undefined));
  is<Stream<Date>>()(orders.map((o) => o.paidOn).filter((day) => day !== null));
  // @ts-expect-error: async
  orders.filter(async (o) => o.amount > 1000);
}

export function flatMapInfersTheItem(): void {
  is<Stream<{ readonly article: string; readonly pieces: number }>>()(orders.flatMap((o) => o.lines));
  is<Stream<string | number>>()(
    orders.flatMap(function* (o) {
      yield o.user;
      yield o.amount;
    }),
  );
  is<Stream<number>>()(orders.flatMap((o) => (o.amount > 0 ? [o.amount] : [])));
  is<Stream<string>>()(orders.flatMap((o) => new Set([o.user])));
  // @ts-expect-error: no iterable
  orders.flatMap((o) => o.amount);
  // @ts-expect-error: async
  orders.flatMap(async (o) => o.lines);
}

export function peekKeepsTheType(): void {
  is<Stream<Order>>()(orders.peek((o) => void o.amount));
}

export function unionJoinsTheTypes(): void {
  is<Stream<Order | number>>()(orders.union(app.source(fromIterable([1]))));
  is<Stream<Order>>()(orders.union(orders.filter((o) => o.amount > 0)));
  is<Stream<Order | string | number>>()(
    orders.union(
      orders.map((o) => o.user),
      orders.map((o) => o.amount),
    ),
  );
  // @ts-expect-error: a keyed stream is no stream
  orders.union(orders.keyBy((o) => o.user));
}

export function branchesAreNamed(): void {
  const { large, small } = orders.branch({ large: (o) => o.amount > 1000, small: otherwise });
  is<Stream<Order>>()(large);
  is<Stream<Order>>()(small);
  // @ts-expect-error: no such branch
  orders.branch({ large: (o) => o.amount > 1000 }).small;
  // @ts-expect-error: no such field
  orders.branch({ large: (o) => o.price > 1000 });
}

export function keysAreExact(): void {
  is<KeyedStream<Order, string>>()(orders.keyBy((o) => o.user));
  is<KeyedStream<Order, bigint>>()(orders.keyBy((o) => o.id));
  is<KeyedStream<Order, boolean>>()(orders.keyBy((o) => o.amount > 0));
  is<KeyedStream<Order, "web" | "shop">>()(orders.keyBy((o) => o.channel));
  is<KeyedStream<Order, "all">>()(orders.keyBy(() => "all"));
  is<KeyedStream<Order, string | number>>()(orders.keyBy((o) => o.voucher ?? o.amount));
  is<KeyedStream<Order, readonly [string, "web" | "shop"]>>()(orders.keyBy((o) => [o.user, o.channel]));
  is<KeyedStream<Order, readonly ["v1", bigint]>>()(orders.keyBy((o) => ["v1", o.id]));
  // @ts-expect-error: null
  orders.keyBy((o) => o.paidOn);
  // @ts-expect-error: undefined in a union
  orders.keyBy((o) => o.voucher);
  // @ts-expect-error: undefined in a tuple
  orders.keyBy((o) => [o.user, o.voucher]);
  // @ts-expect-error: a tuple in a tuple
  orders.keyBy((o) => [o.user, [o.channel]]);
  // @ts-expect-error: an object
  orders.keyBy((o) => ({ user: o.user }));
  // @ts-expect-error: async
  orders.keyBy(async (o) => o.user);
  // @ts-expect-error: a keyed stream has only windows and process
  orders.keyBy((o) => o.user).map((o) => o);
}

/** Code that is generic in the key compiles. */
export function keysMayBeTypeParameters<K extends Key>(source: Source<{ key: K; at: number }>): Stream<K> {
  const keys = app
    .source(source, { timestamp: (r) => r.at })
    .keyBy((r) => r.key)
    .window(tumbling("1s"))
    .aggregate(count());
  is<K>()(recordOf(keys).key);
  return keys.flatMap((r) => [r.key]);
}

const perUser = orders
  .keyBy((o) => o.user)
  .window(tumbling("5m"), { allowedLateness: "1m", panes: "discarding" });

export function windowsTakeDurations(): void {
  const keyed = orders.keyBy((o) => o.user);
  keyed.window(sliding("1.5h", 60_000, { offset: "10ms" }));
  // @ts-expect-error: no such unit
  tumbling("5 minutes");
  // @ts-expect-error: no such unit
  session("5min");
  // @ts-expect-error: a size alone is no window
  keyed.window("5m");
  // @ts-expect-error: no such panes
  keyed.window(tumbling("5m"), { panes: "both" });
  // @ts-expect-error: keyBy comes first
  orders.window(tumbling("5m"));
  // @ts-expect-error: aggregate comes first
  perUser.to(toConsole());
}

interface PaneOf<K> {
  readonly key: K;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly pane: PaneKind;
  readonly paneIndex: number;
}
type Flat<T> = { [F in keyof T]: T[F] };
type Result<K, Fields> = Flat<PaneOf<K> & Fields>;

export function aggregatesInferTheRecord(): void {
  const all = perUser.aggregate({
    n: count(),
    total: sum((o) => o.amount),
    mean: avg((o) => o.amount),
    least: min((o) => o.id),
    most: max((o) => o.user),
    firstUser: first((o) => o.user),
    firstOrder: first(),
    lastChannel: last((o) => o.channel),
    users: collect((o) => o.user),
    orders: collect(),
    top: topN(3, (o) => o.amount),
    cheapest: minBy((o) => o.amount),
    dearest: maxBy((o) => o.amount),
    users2: distinctCount((o) => o.user),
    pairs: distinctCount((o) => [o.user, o.channel]),
    about: approxDistinctCount((o) => o.id, { precision: 12 }),
    middle: median((o) => o.amount),
    p99: quantile(0.99, (o) => o.amount, { accuracy: 0.005 }),
    some: quantiles([0.5, 0.9], (o) => o.amount),
    spread: variance((o) => o.amount),
    deviation: stddev((o) => o.amount, { over: "population" }),
    exact: exactSum((o) => o.amount),
    counts: histogram((o) => o.amount, [10, 100]),
    both: reduce((a, b) => (a.amount > b.amount ? a : b)),
    own: aggregate({
      create: () => 0,
      add: (n, o) => n + o.amount,
      merge: (a, b) => a + b,
      result: (n) => `${n}`,
    }),
  });
  is<
    Result<
      string,
      {
        readonly n: number;
        readonly total: number;
        readonly mean: number;
        readonly least: bigint;
        readonly most: string;
        readonly firstUser: string;
        readonly firstOrder: Order;
        readonly lastChannel: "web" | "shop";
        readonly users: string[];
        readonly orders: Order[];
        readonly top: Order[];
        readonly cheapest: Order;
        readonly dearest: Order;
        readonly users2: number;
        readonly pairs: number;
        readonly about: number;
        readonly middle: number;
        readonly p99: number;
        readonly some: number[];
        readonly spread: number;
        readonly deviation: number;
        readonly exact: number;
        readonly counts: number[];
        readonly both: Order;
        readonly own: string;
      }
    >
  >()(recordOf(all));
  const made = { n: count(), total: sum((o: { amount: number }) => o.amount) };
  is<Result<string, { readonly n: number; readonly total: number }>>()(recordOf(perUser.aggregate(made)));
  const several = {} as Readonly<Record<string, Aggregate<Order, any, number>>>;
  is<number>()(recordOf(perUser.aggregate(several))["anything"]);
  is<any>()(recordOf(perUser.aggregate({ what: first((o) => JSON.parse(o.user)) })).what);
  // @ts-expect-error: a text is no number
  perUser.aggregate({ total: sum((o) => o.user) });
  // @ts-expect-error: no such field
  perUser.aggregate({ total: sum((o) => o.price) });
  // @ts-expect-error: a name of the window
  perUser.aggregate({ key: count() });
  // @ts-expect-error: a name of session windows, and kept free by all
  perUser.aggregate({ replaces: count() });
  // @ts-expect-error: not an aggregate
  perUser.aggregate({ n: 5 });
  // @ts-expect-error: null can't be ordered
  perUser.aggregate({ day: max((o) => o.paidOn) });
  // @ts-expect-error: undefined is not told apart
  perUser.aggregate({ vouchers: distinctCount((o) => o.voucher) });
  // @ts-expect-error: null can't be ordered
  perUser.aggregate({ latest: maxBy((o) => o.paidOn) });
  // @ts-expect-error: a text is no number
  perUser.aggregate({ middle: median((o) => o.user) });
  // @ts-expect-error: no such kind of variance
  perUser.aggregate({ spread: variance((o) => o.amount, { over: "all" }) });
  // @ts-expect-error: the aggregate is for other records
  perUser.aggregate({ total: sum((o: { price: number }) => o.price) });
  // @ts-expect-error: the function itself
  perUser.aggregate({ n: count });
}

export function aSingleAggregateIsTheFieldValue(): void {
  const value = <T>(results: Stream<{ readonly value: T }>): T => recordOf(results).value;
  is<Result<string, { readonly value: number }>>()(recordOf(perUser.aggregate(count())));
  is<number>()(value(perUser.aggregate(sum((o) => o.amount))));
  is<number>()(value(perUser.aggregate(avg((o) => o.amount))));
  is<bigint>()(value(perUser.aggregate(min((o) => o.id))));
  is<string>()(value(perUser.aggregate(max((o) => o.user))));
  is<Order>()(value(perUser.aggregate(first())));
  is<"web" | "shop">()(value(perUser.aggregate(last((o) => o.channel))));
  is<Order[]>()(value(perUser.aggregate(collect())));
  is<bigint[]>()(value(perUser.aggregate(collect((o) => o.id))));
  is<Order[]>()(value(perUser.aggregate(topN(3, (o) => o.amount))));
  is<Order>()(value(perUser.aggregate(maxBy((o) => o.amount))));
  is<number>()(value(perUser.aggregate(distinctCount((o) => o.user))));
  is<number>()(value(perUser.aggregate(quantile(0.9, (o) => o.amount))));
  is<number[]>()(value(perUser.aggregate(histogram((o) => o.amount, [1]))));
  is<Order>()(value(perUser.aggregate(reduce((a, b) => (a.amount > b.amount ? a : b)))));
  is<unknown>()(value(perUser.aggregate(first((o) => JSON.parse(o.user) as unknown))));
  is<string>()(
    value(
      perUser.aggregate(
        aggregate({
          create: () => 0,
          add: (n, o) => n + o.amount,
          merge: (a, b) => a + b,
          result: (n) => `${n}`,
        }),
      ),
    ),
  );
  is<any>()(value(perUser.aggregate(first((o) => JSON.parse(o.user)))));
  // @ts-expect-error: a text is no number
  perUser.aggregate(sum((o) => o.user));
  // @ts-expect-error: no such field
  perUser.aggregate(sum((o) => o.price));
}

export function aWindowsProcessGetsItsElements(): void {
  const lines = perUser.process((window, elements) => {
    is<PaneOf<string>>()(window);
    is<readonly Order[]>()(elements);
    return elements.flatMap((o) => o.lines);
  });
  is<WindowOutput<{ readonly article: string; readonly pieces: number }, Order>>()(lines);
  is<Stream<Order>>()(lines.late);
  is<WindowOutput<string | number, Order>>()(
    perUser.process(function* ({ key, windowStart }) {
      yield key;
      yield windowStart;
    }),
  );
  orders
    .keyBy((o) => o.user)
    .window(session("30m"))
    .process(({ replaces }) => {
      is<readonly { readonly start: number; readonly end: number }[]>()(replaces);
      return replaces;
    });
  perUser.process((_, elements) => elements, { name: "lines", onError: "skip" });
  // @ts-expect-error: no iterable
  perUser.process((_, elements) => elements.length);
  // @ts-expect-error: async
  perUser.process(async (_, elements) => elements);
  // @ts-expect-error: aligned windows replace nothing
  perUser.process(({ replaces }) => [replaces]);
  // @ts-expect-error: the elements are not to be changed
  perUser.process((_, elements) => elements.splice(0));
}

export function sessionsSayWhatTheyReplace(): void {
  const sessions = orders
    .keyBy((o) => o.user)
    .window(session("30m"))
    .aggregate({ n: count() });
  is<readonly { readonly start: number; readonly end: number }[]>()(recordOf(sessions).replaces);
  // @ts-expect-error: aligned windows replace nothing
  recordOf(perUser.aggregate({ n: count() })).replaces;
}

export function gapsAreTakenOfTheStreamsRecords(): void {
  const keyed = orders.keyBy((o) => o.user);
  const sessions = keyed
    .window(
      session(
        (o) => {
          is<Order>()(o);
          return o.channel === "web" ? "5m" : o.amount;
        },
        { maxDuration: "1d" },
      ),
    )
    .aggregate(count());
  is<readonly { readonly start: number; readonly end: number }[]>()(recordOf(sessions).replaces);
  const annotated = session((o: { readonly amount: number }) => o.amount);
  keyed.window(annotated);
  const fixed = session("5m");
  keyed.window(fixed);
  // @ts-expect-error: no such field
  keyed.window(session((o) => o.price));
  // @ts-expect-error: a text that is no duration
  keyed.window(session((o) => o.user));
  // @ts-expect-error: of other records
  keyed.window(session((o: { readonly price: number }) => o.price));
  // @ts-expect-error: no such option
  keyed.window(session("5m", { longest: "1d" }));
}

export function lateRecordsAreTheInputs(): void {
  is<Stream<Order>>()(perUser.aggregate(count()).late);
  is<AggregatedStream<Result<string, { readonly value: number }>, Order>>()(perUser.aggregate(count()));
  // @ts-expect-error: only a window's results have a late stream
  orders.late;
}

export function resultsFlowOnWithTheirKey(): void {
  const perPair = orders
    .keyBy((o) => [o.user, o.channel])
    .window(tumbling("5m"))
    .aggregate({ n: count() });
  const totals = perPair
    .keyBy((r) => r.key[1])
    .window(tumbling("1h"))
    .aggregate({ total: sum((r) => r.n) });
  is<Result<"web" | "shop", { readonly total: number }>>()(recordOf(totals));
}

export function sinksFitTheirStream(): void {
  orders.to(forEach((o) => void is<Order>()(o)));
  orders.to(ndjsonFile("orders.ndjson")).to(toConsole());
  orders.to(forEach((o: { user: string }) => void o.user));
  orders.to(toAsyncIterable<Order>());
  is<Stream<Order>>()(orders.to(toConsole()));
  app.deadLetters.to(ndjsonFile("dead-letters.ndjson"));
  // @ts-expect-error: a sink of numbers
  orders.to(ndjsonFile<number>("orders.ndjson"));
  // @ts-expect-error: a sink of records with another field
  orders.to(forEach((o: { price: number }) => void o.price));
  // @ts-expect-error: a sink that needs more than the records have
  orders.map((o) => ({ user: o.user })).to({} as Sink<Order>);
}

export function changelogsAreOfTheirRows(): void {
  const counts = perUser.aggregate({ n: count() });
  type Row = Result<string, { readonly n: number }>;
  is<Stream<Change<Row>>>()(counts.changelog());
  is<ChangelogStream<Row>>()(counts.changelog({ throttle: "10s", name: "changes" }));
  is<Stream<Row>>()(counts.throttle("10s"));
  is<number>()(recordOf(counts.changelog()).row.n);
  // @ts-expect-error: no duration
  counts.throttle("soon");
  // @ts-expect-error: what a window's process() gives are no panes
  perUser.process(() => [1]).changelog();
  // @ts-expect-error: nor are other records
  orders.changelog();
}

export function tablesTakeRowsOrTheirChanges(): void {
  const counts = perUser.aggregate({ n: count() });
  const options = { table: "counts", key: ["key", "windowStart"] } as const;
  counts.to(sqliteTable("a.db", options));
  counts.changelog().to(sqliteTable("b.db", options));
  counts
    .changelog()
    .filter(({ row }) => row.n > 1)
    .to(sqliteTable("c.db", { ...options, columns: ["key", "windowStart", "n"] }));
  counts.changelog().to(sqliteTable<Change<{ readonly key: string }>>("d.db", { table: "d", key: ["key"] }));
  // @ts-expect-error: no field of the rows
  counts.changelog().to(sqliteTable("e.db", { table: "e", key: ["op"] }));
  // @ts-expect-error: a table of rows with another field
  counts.changelog().to(sqliteTable<Change<{ readonly m: number }>>("f.db", { table: "f", key: ["m"] }));
  // @ts-expect-error: a table of rows
  counts.changelog().to(sqliteTable<{ readonly key: string }>("g.db", { table: "g", key: ["key"] }));
  // @ts-expect-error: a table of changes
  counts.to(sqliteTable<Change<{ readonly key: string }>>("h.db", { table: "h", key: ["key"] }));
}

export function optionsAreChecked(): void {
  orders.map((o) => o, { name: "same", onError: "dead-letter" });
  // @ts-expect-error: no such policy
  orders.map((o) => o, { onError: "ignore" });
  // @ts-expect-error: no such option
  orders.filter((o) => o.amount > 0, { label: "x" });
  // @ts-expect-error: no such mode
  app.run({ mode: "micro-batch" });
}

export type Windowed = WindowedStream<Order, string, ReturnType<typeof tumbling>>;
is<Windowed>()(perUser);
