/** The typed fluent API: each call adds a node to the plan and returns a handle on its output. */
import type { Aggregate } from "../aggregate/contract.ts";
import { collect } from "../aggregate/elements.ts";
import type { Change, Sink } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import type { Key } from "../core/key.ts";
import type { Duration } from "../core/time.ts";
import type { PlanBuilder } from "../plan/builder.ts";
import type * as plan from "../plan/node.ts";
import type { ProcessNode } from "../plan/process-node.ts";
import type { CalendarWindows, SessionWindows, WindowAssigner } from "../window/assigner.ts";
import { changelogParts, type ChangelogOptions, type ChangelogStream } from "./changelog.ts";
import { checkFunction, checkOnError } from "./options.ts";
import { type Output, type Outputs, processParts, type ProcessSpec, type States } from "./process.ts";
import type {
  Absent,
  Fields,
  KeySentence,
  MustNotBePromise,
  OperatorOptions,
  Results,
  WindowOptions,
  WindowResult,
} from "./types.ts";
import { checkAggregates, windowParts } from "./window.ts";

/** In a branch: takes the records that no other branch took. */
export const otherwise: unique symbol = Symbol("otherwise");

/** Records of one type, in no particular order of keys. */
export class Stream<T> {
  /** @internal */
  readonly builder: PlanBuilder;
  /** @internal */
  readonly input: plan.Input;
  /** Only in the type. */
  declare readonly record?: T;

  /** @internal */
  constructor(builder: PlanBuilder, node: plan.PlanNode, port = 0) {
    this.builder = builder;
    this.input = { node, port };
  }

  /**
   * Each record becomes what the function returns.
   * @example orders.map((o) => ({ ...o, euros: o.cents / 100 }))
   */
  map<U>(fn: (value: T) => U & MustNotBePromise<U>, options: OperatorOptions = {}): Stream<U> {
    return new Stream(this.builder, this.stateless<plan.MapNode>("map", fn, options));
  }

  /**
   * Keeps the records for which the function returns true.
   * @example orders.filter((o) => o.amount > 1000)
   */
  filter<U extends T>(fn: (value: T) => value is U, options?: OperatorOptions): Stream<U>;
  filter(fn: (value: T) => boolean, options?: OperatorOptions): Stream<T>;
  filter(fn: (value: T) => boolean, options: OperatorOptions = {}): Stream<T> {
    return new Stream(this.builder, this.stateless<plan.FilterNode>("filter", fn, options));
  }

  /**
   * Each record becomes any number of records, in the order given, with its timestamp.
   * @example orders.flatMap((o) => o.lines)
   */
  flatMap<U>(fn: (value: T) => Iterable<U>, options: OperatorOptions = {}): Stream<U> {
    return new Stream(this.builder, this.stateless<plan.FlatMapNode>("flatMap", fn, options));
  }

  /**
   * Calls the function for each record and passes the record on.
   * @example orders.peek((o) => console.log(o))
   */
  peek<U>(fn: (value: T) => U & MustNotBePromise<U>, options: OperatorOptions = {}): Stream<T> {
    return new Stream(this.builder, this.stateless<plan.PeekNode>("peek", fn, options));
  }

  /**
   * Sends each record to the first branch whose predicate holds; `otherwise` takes the rest. Records that no branch
   * takes are counted as unmatched.
   *
   * @example const { big, small } = orders.branch({ big: (o) => o.amount > 1000, small: otherwise })
   * @throws OPTION_INVALID when a branch is neither a function nor `otherwise`, or `otherwise` is not the last
   */
  branch<N extends string>(
    branches: { readonly [B in N]: ((value: T) => boolean) | typeof otherwise },
    options: OperatorOptions = {},
  ): { readonly [B in N]: Stream<T> } {
    const names = Object.keys(branches) as N[];
    if (names.length === 0) throw new MillraceError("OPTION_INVALID", "branch takes at least one branch");
    const index = names.find((name) => /^\d+$/.test(name));
    if (index !== undefined) {
      // Objects list such fields first, whatever the order in which they are written.
      throw new MillraceError(
        "OPTION_INVALID",
        `branch ${index}: a name must not be a whole number, since the order of branches counts`,
      );
    }
    const list = names.map((name, i) => {
      const predicate = branches[name];
      if (predicate !== otherwise) return { name, predicate: checkFunction(predicate, `branch ${name}`) };
      if (i < names.length - 1)
        throw new MillraceError("OPTION_INVALID", `branch ${name}: otherwise must be the last branch`);
      return { name, predicate: undefined };
    });
    const node = this.builder.add<plan.BranchNode>(
      { kind: "branch", input: this.input, branches: list, onError: checkOnError(options.onError) },
      options.name,
    );
    const streams = names.map((name, port) => [name, new Stream<T>(this.builder, node, port)]);
    return Object.fromEntries(streams) as { readonly [B in N]: Stream<T> };
  }

  /**
   * The records of this and the other streams, in the order in which they came. The watermark is the least of theirs.
   * @example web.union(mobile, shop)
   * @throws PIPELINE_INVALID when a stream belongs to another pipeline; OPTION_INVALID without another stream
   */
  union<U extends readonly unknown[]>(
    ...others: { readonly [I in keyof U]: Stream<U[I]> }
  ): Stream<T | U[number]> {
    const stranger = others.find((other) => other.builder !== this.builder);
    if (stranger !== undefined) {
      throw new MillraceError(
        "PIPELINE_INVALID",
        `A stream of pipeline ${stranger.builder.name} can't be used in ${this.builder.name}`,
      );
    }
    if (others.length === 0)
      throw new MillraceError("OPTION_INVALID", "union takes at least one other stream");
    const inputs = [this.input, ...others.map((other) => other.input)];
    return new Stream(this.builder, this.builder.add<plan.UnionNode>({ kind: "union", inputs }, undefined));
  }

  /**
   * Groups the records by key: what follows works per key. -0 and 0 are one key, NaN equals NaN, tuples compare by
   * content.
   * @example orders.keyBy((o) => o.userId)
   * @example flights.keyBy((f) => [f.origin, f.destination])
   */
  keyBy<const K extends Key>(fn: (value: T) => K, options?: OperatorOptions): KeyedStream<T, K>;
  keyBy(fn: (value: T) => KeySentence, options?: OperatorOptions): never;
  keyBy<K extends Key>(fn: (value: T) => K, options: OperatorOptions = {}): KeyedStream<T, K> {
    return new KeyedStream(this.builder, this.stateless<plan.KeyByNode>("keyBy", fn, options));
  }

  /**
   * Sends the records to a sink. A stream may have several sinks; a sink belongs to one stream. Of a changelog an upsert
   * sink applies the changes, any other one is given them as records.
   * @example perUser.to(ndjsonFile("revenue.ndjson"))
   */
  to(sink: Sink<T>, options: { readonly name?: string } = {}): this {
    if (typeof sink?.open !== "function")
      throw new MillraceError("OPTION_INVALID", `to takes a sink, not ${preview(sink)}`);
    this.builder.add<plan.SinkNode>(
      { kind: "sink", input: this.input, sink: sink as Sink<unknown> },
      options.name,
    );
    return this;
  }

  private stateless<
    N extends plan.MapNode | plan.FilterNode | plan.FlatMapNode | plan.PeekNode | plan.KeyByNode,
  >(kind: N["kind"], fn: unknown, options: OperatorOptions): N {
    const node = {
      kind,
      input: this.input,
      fn: checkFunction(fn, kind),
      onError: checkOnError(options.onError),
    };
    return this.builder.add<N>(node as unknown as Omit<N, "name">, options.name);
  }
}

/** Records grouped by key. */
export class KeyedStream<T, K> {
  private readonly builder: PlanBuilder;
  private readonly node: plan.KeyByNode;
  private readers = 0;
  /** Only in the type. */
  declare readonly key?: K;

  /** @internal */
  constructor(builder: PlanBuilder, node: plan.KeyByNode) {
    this.builder = builder;
    this.node = node;
  }

  /**
   * Cuts each key's records into windows.
   * @example orders.keyBy((o) => o.userId).window(tumbling("5m"), { allowedLateness: "1m" })
   * @throws DURATION_INVALID, OPTION_INVALID
   */
  window<W extends WindowAssigner<T>>(
    // The kinds with functions of records are named so that the compiler infers the records from this stream.
    windows: W | SessionWindows<T> | CalendarWindows<T>,
    options: WindowOptions = {},
  ): WindowedStream<T, K, W> {
    const parts = windowParts(windows, options);
    return new WindowedStream(this.builder, { input: this.keys(), ...parts }, options.name);
  }

  /**
   * Gives each record of a key to a function, with state of the key, timers, and outputs beside the stream of what it
   * emits. The effects of a record, or of a timer, take place together or not at all.
   *
   * @example
   * orders.keyBy((o) => o.user).process({
   *   state: { total: valueState<number>({ initial: () => 0, ttl: "1d" }) },
   *   emits: output<{ user: string; total: number }>(),
   *   onRecord(order, { state, timers }) {
   *     state.total.set(state.total.get() + order.amount);
   *     timers.setEventTime(order.at + 60_000);
   *   },
   *   onTimer: (_timer, { key, state, emit }) => emit({ user: key, total: state.total.get() }),
   * })
   * @throws OPTION_INVALID
   */
  process<S extends States = {}, E = never, O extends Outputs = {}, R = unknown, RT = unknown>(
    spec: ProcessSpec<T, K, S, E, O, R, RT>,
    options: OperatorOptions = {},
  ): ProcessedStream<E, O> {
    const node = this.builder.add<ProcessNode>(
      {
        kind: "process",
        input: this.keys(),
        onError: checkOnError(options.onError),
        ...processParts(spec as ProcessSpec<any, any, States, any, Outputs, unknown, unknown>),
      },
      options.name,
    );
    return new ProcessedStream(this.builder, node);
  }

  /** Each operator behind it computes its keys itself: to the plan, each has a keyBy of its own. */
  private keys(): plan.Input {
    this.readers += 1;
    const node =
      this.readers === 1 ? this.node : this.builder.add<plan.KeyByNode>(this.node, undefined, this.node.name);
    return { node, port: 0 };
  }
}

/** What process() emits, and its further outputs. */
export class ProcessedStream<E, O> extends Stream<E> {
  readonly outputs: { readonly [N in keyof O]: O[N] extends Output<infer T> ? Stream<T> : never };

  /** @internal */
  constructor(builder: PlanBuilder, node: ProcessNode) {
    super(builder, node, 0);
    const streams = node.outputs.map((name, i) => [name, new Stream(builder, node, 1 + i)]);
    this.outputs = Object.fromEntries(streams) as typeof this.outputs;
  }
}

/** Records grouped by key and window, waiting for the word how to fold them. */
export class WindowedStream<T, K, W extends WindowAssigner> {
  private readonly builder: PlanBuilder;
  private readonly parts: Omit<plan.WindowNode, "kind" | "name" | "aggregates">;
  private readonly name: string | undefined;
  /** Only in the type. */
  declare readonly types?: readonly [T, K, W];

  /** @internal */
  constructor(
    builder: PlanBuilder,
    parts: Omit<plan.WindowNode, "kind" | "name" | "aggregates">,
    name: string | undefined,
  ) {
    this.builder = builder;
    this.parts = parts;
    this.name = name;
  }

  /**
   * Folds the records of each key and window: one result per pane, with the window's bounds, the pane's kind and index,
   * and one field per aggregate (`value` for a single one). A result's timestamp is the window's end - 1.
   *
   * @example windowed.aggregate({ orders: count(), revenue: sum((o) => o.amount) })
   * // { key: "u1", windowStart: 0, windowEnd: 300000, pane: "on-time", paneIndex: 0, orders: 2, revenue: 4500 }
   * @throws AGGREGATE_INVALID
   */
  aggregate<Out = Absent, R extends { readonly [field: string]: unknown } = {}>(
    aggregates: Aggregate<T, any, Out> | Fields<T, R>,
  ): AggregatedStream<WindowResult<K, W, Results<Out, R>>, T> {
    const node = this.builder.add<plan.WindowNode>(
      { kind: "window", ...this.parts, aggregates: checkAggregates(aggregates) },
      this.name,
    );
    return new AggregatedStream(this.builder, node, new Stream<T>(this.builder, node, 1));
  }

  /**
   * Gives all records of each key and window, in the order of arrival, to a function: once per pane, with the window's
   * bounds, the pane's kind and index. What it returns has the timestamp of a result, the window's end - 1. The state
   * of a window grows with its records (collect): explain() says so. Flink's ProcessWindowFunction.
   *
   * @example
   * windowed.process(function* ({ key, windowStart }, orders) {
   *   const [dearest] = orders.toSorted((a, b) => b.amount - a.amount);
   *   yield { user: key, from: windowStart, share: dearest.amount / orders.length };
   * })
   * @throws OPTION_INVALID
   */
  process<Out>(
    fn: (window: WindowResult<K, W, {}>, elements: readonly T[]) => Iterable<Out>,
    options: OperatorOptions = {},
  ): WindowOutput<Out, T> {
    checkFunction(fn, "process");
    const collected = this.aggregate({ elements: collect<T>() });
    const { input } = collected.flatMap(
      ({ elements, ...window }) => fn(window as unknown as WindowResult<K, W, {}>, elements),
      options,
    );
    return new WindowOutput<Out, T>(this.builder, input.node, collected.late);
  }
}

/** What windows give, with the records that came too late for all of theirs. */
export class WindowOutput<R, T> extends Stream<R> {
  /**
   * The records that were late for all their windows, as they came. Nothing bounds how late they are, so this stream's
   * watermark stays at -Infinity until the end of the input.
   */
  readonly late: Stream<T>;

  /** @internal */
  constructor(builder: PlanBuilder, node: plan.PlanNode, late: Stream<T>) {
    super(builder, node);
    this.late = late;
  }
}

/** The results of windows: a row per pane. */
export class AggregatedStream<R, T> extends WindowOutput<R, T> {
  /**
   * The results as changes of a table with one row per key and window: the first pane of a window is +I, a later one -U
   * with the row that is out and +U with its own, and a session's pane -D for each row that it replaces. A change has
   * the timestamp of its pane.
   *
   * @example results.changelog().to(sqliteTable("sales.db", { table: "sales", key: ["key", "windowStart"] }))
   * // { op: "+I", row: { key: "u1", windowStart: 0, ..., orders: 2 } }
   * @throws OPTION_INVALID for discarding windows, whose panes add up; DURATION_INVALID
   */
  changelog(options: ChangelogOptions = {}): ChangelogStream<R> {
    return new Stream<Change<R>>(this.builder, this.replacing("changes", options.throttle, options.name));
  }

  /**
   * At most one result per key and window in an interval of processing time: the first at once, and when the interval is
   * over the newest of those that came meanwhile. None waits when its window can't fire any more. Kafka Streams'
   * suppress(untilTimeLimit); for one result per window in all see the option `finalOnly` of window().
   *
   * @param interval above zero
   * @example results.throttle("10s").to(dashboard)
   * @throws OPTION_INVALID for discarding windows, whose panes add up; DURATION_INVALID
   */
  throttle(interval: Duration, options: { readonly name?: string } = {}): Stream<R> {
    return new Stream<R>(this.builder, this.replacing("rows", interval, options.name));
  }

  private replacing(
    form: plan.ChangelogNode["form"],
    interval: Duration | undefined,
    name: string | undefined,
  ): plan.ChangelogNode {
    const window = this.input.node as plan.WindowNode;
    const parts = changelogParts(window, form, interval);
    return this.builder.add<plan.ChangelogNode>(parts, name, form === "changes" ? "changelog" : "throttle");
  }
}
