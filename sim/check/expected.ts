/**
 * What must be there when the inputs up to a mark are taken: the evaluator of the property tests, which knows nothing of
 * epochs, over the trace that the sources' history tells.
 */
import type { Evaluated, ExpectedRow } from "../case/case.ts";
import type { Trace, TraceItem } from "../case/items.ts";
import type { Scenario } from "../case/scenario.ts";
import type { History, Mark } from "../world/history.ts";
import { mergedTrace } from "./merged-trace.ts";

/** How far the inputs are taken: by source and partition, items; and the place in the history. */
export interface Cut {
  readonly mark: Mark | null;
  readonly taken: ReadonlyMap<string, number>;
}

export const partitionId = (source: number, partition: number): string => `${source}/${partition}`;

export const NOTHING: Cut = { mark: null, taken: new Map() };

export class Expected {
  /** Whether runs that took other turns must have brought the same rows. */
  readonly isDetermined: boolean;
  readonly #scenario: Scenario;
  readonly #history: History;
  readonly #merged: { readonly trace: Trace; readonly places: readonly number[] } | null;
  readonly #evaluations = new Map<string, Evaluated>();

  constructor(scenario: Scenario, history: History) {
    this.#scenario = scenario;
    this.#history = history;
    const { inputs, used } = scenario.case;
    const isSingle = [...used].flatMap((source) => inputs[source]).length === 1;
    this.#merged = scenario.merging && !isSingle ? mergedTrace(inputs, used) : null;
    this.isDetermined = isSingle || this.#merged !== null;
  }

  /** By sink: the rows that the inputs up to the cut bring, in their order. */
  rows(cut: Cut): ReadonlyMap<string, readonly ExpectedRow[]> {
    const { evaluated, length } = this.#evaluated(cut);
    const rows = new Map<string, readonly ExpectedRow[]>();
    for (const [name, all] of evaluated.rows)
      rows.set(
        name,
        all.filter(({ ordinal }) => ordinal < length),
      );
    rows.set("deadLetters", this.#letters(cut));
    return rows;
  }

  /** Where all inputs are taken. */
  evaluated(cut: Cut): Evaluated {
    return this.#evaluated(cut).evaluated;
  }

  #evaluated(cut: Cut): { evaluated: Evaluated; length: number } {
    const { trace, places } = this.#merged ?? { trace: this.#arrivals(cut), places: null };
    const key = places === null ? String(cut.mark) : "merged";
    const evaluated = this.#evaluations.get(key) ?? this.#scenario.case.evaluate(trace);
    this.#evaluations.set(key, evaluated);
    return { evaluated, length: places === null ? trace.length : this.#prefix(trace, places, cut) };
  }

  /** The inputs in the order in which they were polled. */
  #arrivals({ mark }: Cut): Trace {
    const ended = new Set<string>();
    return this.#history.pollsTo(mark).flatMap(({ source, partition, from, to, ...poll }): TraceItem[] => {
      const items = this.#scenario.case.inputs[source][partition].slice(from, to);
      const taken = items.flatMap((item): TraceItem[] =>
        "bad" in item ? [] : [{ source, partition, ...item }],
      );
      const id = partitionId(source, partition);
      if (!poll.ended || ended.has(id)) return taken;
      ended.add(id);
      return [...taken, { source, partition, end: true }];
    });
  }

  /** How much of the merged trace is taken: all up to the last input that is. */
  #prefix(trace: Trace, places: readonly number[], { mark, taken }: Cut): number {
    const ended = new Set(
      this.#history
        .pollsTo(mark)
        .filter((poll) => poll.ended)
        .map(({ source, partition }) => partitionId(source, partition)),
    );
    const isTaken = (item: TraceItem, i: number): boolean => {
      const id = partitionId(item.source, item.partition);
      return "end" in item ? ended.has(id) : places[i] < (taken.get(id) ?? 0);
    };
    const length = trace.findLastIndex(isTaken) + 1;
    const skipped = trace.slice(0, length).findIndex((item, i) => "record" in item && !isTaken(item, i));
    if (skipped >= 0)
      throw new Error(`record ${JSON.stringify(trace[skipped])} is left out, and later ones are taken`);
    return length;
  }

  /** Bad inputs are dealt with when they are polled, even if records before them wait. */
  #letters({ mark }: Cut): ExpectedRow[] {
    const polled = new Map<string, { source: number; partition: number; to: number }>();
    for (const { source, partition, to } of this.#history.pollsTo(mark)) {
      const id = partitionId(source, partition);
      polled.set(id, { source, partition, to: Math.max(to, polled.get(id)?.to ?? 0) });
    }
    return [...polled.values()].flatMap(({ source, partition, to }) =>
      this.#scenario.case.inputs[source][partition].slice(0, to).flatMap((item, at): ExpectedRow[] => {
        if (!("bad" in item)) return [];
        const code = item.bad === "malformed" ? "RECORD_MALFORMED" : "TIMESTAMP_INVALID";
        return [{ ordinal: 0, row: `${this.#scenario.case.sources[source]}/${partition}/${at} ${code}` }];
      }),
    );
  }
}
