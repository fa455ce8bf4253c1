/**
 * Random pipelines and traces for fast-check. Both are interpreted from lists of small numbers, so that a failing case
 * shrinks to few steps and few records. Sizes and distances are small: records often hit a boundary exactly.
 */
import fc from "fast-check";
import { gridOf, windowArbitrary, windowOf } from "./arbitrary-windows.ts";
import {
  type AggregateName,
  type FlatMapName,
  type Input,
  inputsOf,
  type KeyByName,
  type MapName,
  type PipelineSpec,
  type PredicateName,
  portsOf,
  type RecordKey,
  type SourceSpec,
  type Step,
  type Trace,
  type TraceItem,
  type WindowStep,
} from "./spec.ts";

export interface Case {
  readonly spec: PipelineSpec;
  readonly trace: Trace;
}

// --- pipelines ---

const MAP_NAMES: readonly MapName[] = ["add1", "negate", "swapKey", "oneKey", "reshape"];
const PREDICATE_NAMES: readonly PredicateName[] = ["even", "positive", "textKey", "third", "always", "never"];
const FLAT_MAP_NAMES: readonly FlatMapName[] = ["upToThree", "twice", "none"];
const KEY_BY_NAMES: readonly KeyByName[] = ["key", "key", "key", "pair", "parity", "one"];
const ORDER_FREE: readonly AggregateName[] = [
  ...(["count", "sum", "bag", "min", "max", "maxText", "avg"] as const),
  ...(["exactSum", "distinct", "buckets"] as const),
];
/** The last ones hang on the order of arrival. */
const AGGREGATE_NAMES: readonly AggregateName[] = [
  ...ORDER_FREE,
  ...(["first", "last", "minBy", "maxBy", "top1", "top2", "top3", "collect"] as const),
];
const FIELDS = [
  "n",
  "total",
  "value",
  "constructor",
  "toString",
  "a b",
  "it's",
  "`${1}`",
  "\u2028",
  "class",
  "0",
  "__proto__",
];

const pick = <T>(from: readonly T[], n: number): T => from[n % from.length];

/** One or several steps to add; the numbers choose among what is there. */
const move = fc.record({
  kind: fc.constantFrom(
    ...([
      "map",
      "filter",
      "flatMap",
      "peek",
      "branch",
      "union",
      "window",
      "window",
      "window",
      "window",
    ] as const),
    ...(["diamond", "beside", "lateWindow"] as const),
  ),
  inputs: fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
  fns: fc.array(fc.nat(59), { minLength: 3, maxLength: 3 }),
  ways: fc.nat(2),
  flag: fc.boolean(),
  window: windowArbitrary,
  aggregates: fc.array(fc.tuple(fc.nat(FIELDS.length - 1), fc.nat(59)), { minLength: 1, maxLength: 4 }),
});
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never;

/** Steps that give more than they take; a bound on them bounds the size of the evaluation. */
const MAX_MULTIPLYING = 4;

class Building {
  readonly sources: readonly SourceSpec[];
  readonly steps: Step[] = [];
  private readonly untold: boolean;
  private multiplying = 0;

  constructor(sources: readonly SourceSpec[], untold: boolean) {
    this.sources = sources;
    this.untold = untold;
  }

  /** All outputs, the latest first. */
  private outputs(): Input[] {
    const of = this.steps.flatMap((step, i) =>
      Array.from({ length: portsOf(step) }, (_, port) => ({ step: i, port })),
    );
    return [...of.reverse(), ...this.sources.map((_, source) => ({ source }))];
  }

  /** Half of the choices fall on the latest step's main output. */
  private choose(n: number): Input {
    if (n % 2 === 0 && this.steps.length > 0) return { step: this.steps.length - 1, port: 0 };
    return pick(this.outputs(), n >> 1);
  }

  private add(step: Step): Input {
    this.steps.push(step);
    return { step: this.steps.length - 1, port: 0 };
  }

  /** Whether the order of elements of one ordinal is fixed: behind a window it is open across keys. */
  private ordered(input: Input): boolean {
    if ("source" in input) return true;
    const step = this.steps[input.step];
    const keepsOrder = step.kind !== "window" || input.port === 1 || step.assigner.type === "count";
    return keepsOrder && inputsOf(step).every((one) => this.ordered(one));
  }

  private window(input: Input, m: Move): Input {
    const ordered = this.ordered(input);
    const window = windowOf(m.window, ordered, this.untold);
    const isSession = window.assigner.type === "session" || window.assigner.type === "sessionDynamic";
    const names = !ordered
      ? ORDER_FREE
      : // Joined sessions: the order among their records is not promised.
        isSession
        ? AGGREGATE_NAMES.slice(0, -1)
        : AGGREGATE_NAMES;
    const fields = new Map(m.aggregates.map(([field, name]) => [FIELDS[field], pick(names, name)]));
    const aggregates = [...fields].map(([field, aggregate]) => ({ field, aggregate }));
    const single = aggregates.length === 1 && m.flag;
    const keyBy = pick(KEY_BY_NAMES, m.fns[0]);
    return this.add({ kind: "window", input, keyBy, ...window, aggregates, single });
  }

  private mayMultiply(): boolean {
    return this.multiplying++ < MAX_MULTIPLYING;
  }

  apply(m: Move): void {
    const input = this.choose(m.inputs[0]);
    const predicate = (i: number): PredicateName => pick(PREDICATE_NAMES, m.fns[i]);
    switch (m.kind) {
      case "map":
        this.add({ kind: "map", input, fn: pick(MAP_NAMES, m.fns[0]) });
        return;
      case "filter":
        this.add({ kind: "filter", input, fn: predicate(0) });
        return;
      case "flatMap":
        if (this.mayMultiply()) this.add({ kind: "flatMap", input, fn: pick(FLAT_MAP_NAMES, m.fns[0]) });
        return;
      case "peek":
        this.add({ kind: "peek", input });
        return;
      case "branch": {
        const predicates = [0, 1, 2].map(predicate).slice(0, 1 + (m.ways % 2) + (m.flag ? 0 : 1));
        this.add({ kind: "branch", input, predicates, otherwise: m.flag });
        return;
      }
      case "union":
        if (this.mayMultiply()) {
          this.add({ kind: "union", inputs: m.inputs.map((n) => this.choose(n)).slice(0, 2 + (m.ways % 2)) });
        }
        return;
      case "window":
        this.window(input, m);
        return;
      case "diamond": {
        // One step feeds two ways that are united again: as they are, or one of them changed.
        if (!this.mayMultiply()) return;
        const head =
          m.ways === 0
            ? this.add({ kind: "branch", input, predicates: [predicate(0)], otherwise: true })
            : input;
        const other = "step" in head && m.ways === 0 ? { ...head, port: 1 } : input;
        const way = this.add({ kind: "map", input: head, fn: pick(MAP_NAMES, m.fns[1]) });
        this.add({ kind: "union", inputs: m.flag ? [way, other] : [other, way] });
        return;
      }
      case "beside": {
        // Results of a window beside the records that they are of.
        if (!this.mayMultiply()) return;
        const results = this.window(input, m);
        this.add({ kind: "union", inputs: m.flag ? [results, input] : [input, results] });
        return;
      }
      case "lateWindow": {
        // A second window over what was too late for the first.
        const results = this.window(input, { ...m, window: { ...m.window, allowedLatenessMs: 0 } });
        this.window({ ...results, port: 1 } as Input, {
          ...m,
          window: { ...m.window, discard: !m.window.discard },
        });
        return;
      }
    }
  }

  /** Every output that nothing takes goes to a sink, so that no step is left out; `extra` picks more. */
  finish(extra: readonly number[]): PipelineSpec {
    const key = (input: Input): string => JSON.stringify(input);
    const read = new Set(this.steps.flatMap(inputsOf).map(key));
    const outputs = this.outputs().reverse();
    const loose = outputs.filter((output) => !read.has(key(output)));
    const chosen = [...loose, ...extra.map((n) => pick(outputs, n))];
    return {
      sources: this.sources,
      steps: this.steps,
      sinks: chosen.map((input, i) => ({ name: `sink${i}`, input })),
    };
  }
}

const source: fc.Arbitrary<SourceSpec> = fc.record({
  partitions: fc.constantFrom(1, 1, 2, 3),
  watermark: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(3, 0, 1, 5, 10).map((boundMs) => ({ boundMs })) },
    { weight: 1, arbitrary: fc.constant("none" as const) },
  ),
});

export interface SpecOptions {
  /** Default 2 */
  readonly maxSources?: number;
  /** Default 6; a diamond counts as one. */
  readonly maxMoves?: number;
  /** Also windows that the oracle does not tell. Default false */
  readonly untold?: boolean;
}

export function specArbitrary({
  maxSources = 2,
  maxMoves = 6,
  untold = false,
}: SpecOptions = {}): fc.Arbitrary<PipelineSpec> {
  return fc
    .record({
      sources: fc.array(source, { minLength: 1, maxLength: maxSources }),
      moves: fc.array(move, { minLength: 1, maxLength: maxMoves, size: "max" }),
      extra: fc.array(fc.nat(20), { maxLength: 2 }),
    })
    .map(({ sources, moves, extra }) => {
      const building = new Building(sources, untold);
      for (const m of moves) building.apply(m);
      return building.finish(extra);
    });
}

// --- traces ---

export const KEYS: readonly RecordKey[] = [
  ...["a", "b", "__proto__", "constructor", "", "\0s", "\ud800", "1", "NaN", "true"],
  ...[0, -0, 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, true, false, 0n, 1n, -(2n ** 70n)],
  ...[["a", 1], ["a", "1"], ["a", 1n], [], [-0], [0], [Number.NaN], ["", ""], [""], [true, "b", 2]],
];

const step = fc.record({
  what: fc.nat(99),
  how: fc.nat(99),
  source: fc.nat(5),
  partition: fc.nat(5),
  key: fc.nat(11),
  window: fc.nat(5),
  k: fc.integer({ min: -2, max: 2 }),
  e: fc.constantFrom(0, 0, 0, -1, 1),
  d: fc.integer({ min: -4, max: 4 }),
  advance: fc.constantFrom(0, 1, 1, 2, 3, 5),
  value: fc.integer({ min: -5, max: 9 }),
});
type TraceStep = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Plays the steps: keeps the watermarks of the sources, so that timestamps can be placed beside them. */
class Playing {
  readonly items: TraceItem[] = [];
  private readonly spec: PipelineSpec;
  private readonly keys: readonly RecordKey[];
  private readonly windows: readonly WindowStep[];
  private readonly watermarks: number[][];
  private readonly last = new Map<number, number>();
  private now: number;
  private ids = 0;
  private previous: number;

  constructor(spec: PipelineSpec, keys: readonly RecordKey[], start: number) {
    this.spec = spec;
    this.keys = keys;
    this.now = start;
    this.previous = start;
    this.windows = spec.steps.filter((one) => one.kind === "window");
    this.watermarks = spec.sources.map(({ partitions }) =>
      Array<number>(partitions).fill(Number.NEGATIVE_INFINITY),
    );
  }

  private timestamp(s: TraceStep, source: number): number {
    const least = Math.min(...this.watermarks[source]);
    const w = Number.isFinite(least) ? least : this.now;
    const window = this.windows.length > 0 ? pick(this.windows, s.window) : undefined;
    const grid = window === undefined ? null : gridOf(window.assigner);
    const lateness = Math.min(window?.allowedLatenessMs ?? 0, 100);
    if (s.how < 40) return this.now + s.d;
    // A boundary of the grid, around now.
    if (s.how < 52 && grid !== null)
      return (Math.floor(this.now / grid.slideMs) + s.k) * grid.slideMs + grid.offsetMs + s.e;
    // Exactly a gap away from the key's last record.
    if (s.how < 66) {
      const gapMs = window?.assigner.type === "session" ? window.assigner.gapMs : Math.abs(s.d);
      return (this.last.get(s.key % this.keys.length) ?? this.now) + (s.k < 0 ? -gapMs : gapMs) + s.e;
    }
    if (s.how < 74) return w + s.e;
    // In a window that is cleaned up just then, or just not.
    if (s.how < 86 && window !== undefined) {
      const { assigner } = window;
      const back =
        assigner.type === "session" ? assigner.gapMs + 1 : 1 + (Math.abs(s.d) % (grid?.sizeMs ?? 9));
      return w - lateness - back + s.e;
    }
    if (s.how < 92) return w - 20 - 5 * Math.abs(s.d);
    if (s.how < 96) {
      this.now += 15 + 3 * Math.abs(s.d);
      return this.now;
    }
    return this.previous;
  }

  private raise(source: number, partition: number, w: number): void {
    this.watermarks[source][partition] = Math.max(this.watermarks[source][partition], w);
  }

  private end(source: number, partition: number): void {
    if (this.watermarks[source][partition] === Number.POSITIVE_INFINITY) return;
    this.raise(source, partition, Number.POSITIVE_INFINITY);
    this.items.push({ source, partition, end: true });
  }

  play(s: TraceStep): void {
    const source = s.source % this.spec.sources.length;
    const { partitions, watermark } = this.spec.sources[source];
    const partition = s.partition % partitions;
    if (this.watermarks[source][partition] === Number.POSITIVE_INFINITY) return;
    this.now += s.advance;
    if (s.what >= 98) {
      this.end(source, partition);
    } else if (s.what >= (watermark === "none" ? 65 : 88)) {
      const w = this.timestamp(s, source);
      this.raise(source, partition, w);
      this.items.push({ source, partition, watermark: w });
    } else {
      const at = this.timestamp(s, source);
      const key = s.key % this.keys.length;
      this.previous = at;
      this.last.set(key, at);
      if (watermark !== "none") this.raise(source, partition, at - watermark.boundMs);
      this.items.push({
        source,
        partition,
        record: { id: this.ids++, key: this.keys[key], at, value: s.value },
      });
    }
  }

  endAll(): void {
    this.spec.sources.forEach(({ partitions }, source) => {
      for (let partition = 0; partition < partitions; partition++) this.end(source, partition);
    });
  }
}

export interface TraceOptions {
  /** Default 60 */
  readonly maxItems?: number;
  /** Whether all partitions end at last. Default: mostly */
  readonly ends?: boolean;
}

export function traceArbitrary(spec: PipelineSpec, options: TraceOptions = {}): fc.Arbitrary<Trace> {
  return playedArbitrary(options).map((play) => play(spec));
}

function playedArbitrary({ maxItems = 60, ends }: TraceOptions): fc.Arbitrary<(spec: PipelineSpec) => Trace> {
  return fc
    .record({
      keys: fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 4 }),
      start: fc.constantFrom(0, -17, 1_700_000_000_000),
      steps: fc.array(step, { maxLength: maxItems, size: "max" }),
      ends: ends === undefined ? fc.nat(4).map((n) => n > 0) : fc.constant(ends),
    })
    .map(({ keys, start, steps, ends }) => (spec) => {
      const playing = new Playing(spec, keys, start);
      for (const s of steps) playing.play(s);
      if (ends) playing.endAll();
      return playing.items;
    });
}

/** A pipeline and a trace for it. */
export function caseArbitrary(options: SpecOptions & TraceOptions = {}): fc.Arbitrary<Case> {
  return fc
    .tuple(specArbitrary(options), playedArbitrary(options))
    .map(([spec, play]) => ({ spec, trace: play(spec) }));
}
