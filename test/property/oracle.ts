/**
 * An independent evaluator of pipelines: what must come out of a spec for a trace, told in batch, operator after
 * operator, over the complete log of each edge. It shares no code with the engine and keeps no state: it sorts, filters
 * and scans.
 *
 * What it takes for the rules, beside those of windows (oracle-window.ts):
 * - A source's watermark is the least of its partitions', each the greatest timestamp so far minus the bound or the
 *   greatest explicit watermark, whichever is more, and +Infinity once ended. It moves behind the record that moves it.
 * - A union orders by (ordinal of the trace item, input port, order within). An input's watermark moves behind that
 *   input's elements of the ordinal and before those of the next port, and the union's is the least.
 */
import { FLAT_MAPS, MAPS, PREDICATES } from "./functions.ts";
import { type Element, type Entry, isElement, type Log, windowOf } from "./oracle-window.ts";
import {
  inputsOf,
  type Input,
  type PipelineSpec,
  type Step,
  sourceName,
  stepName,
  type Trace,
} from "./spec.ts";

export type { Element } from "./oracle-window.ts";

/** What became of the records that an operator read: all but the first and the last add up to `in`. */
export interface Account {
  readonly in: number;
  readonly contributed: number;
  readonly filtered: number;
  readonly unmatched: number;
  readonly late: number;
  readonly betweenWindows: number;
  /** (Record, window) pairs. */
  readonly missedWindows: number;
}

export interface Evaluation {
  /** By name, in the order in which they come out (within one ordinal, across keys: any order). */
  readonly sinks: ReadonlyMap<string, readonly Element[]>;
  /** The late records of each window step, by the step's name, whether anything reads them or not. */
  readonly late: ReadonlyMap<string, readonly Element[]>;
  /** By the step's name. */
  readonly accounts: ReadonlyMap<string, Account>;
  readonly sources: ReadonlyMap<string, { readonly records: number; readonly watermark: number }>;
}

/** The log of a source: its records, and its watermark wherever it moves. */
function sourceLog(spec: PipelineSpec, trace: Trace, source: number): Log {
  const { partitions, watermark } = spec.sources[source];
  const own = trace.map((item, ordinal) => ({ item, ordinal })).filter(({ item }) => item.source === source);
  const least = (count: number): number =>
    Math.min(
      ...Array.from({ length: partitions }, (_, partition) =>
        Math.max(
          Number.NEGATIVE_INFINITY,
          ...own.slice(0, count).map(({ item }) => {
            if (item.partition !== partition) return Number.NEGATIVE_INFINITY;
            if ("end" in item) return Number.POSITIVE_INFINITY;
            if ("watermark" in item) return item.watermark;
            return watermark === "none" ? Number.NEGATIVE_INFINITY : item.record.at - watermark.boundMs;
          }),
        ),
      ),
    );
  return own.flatMap(({ item, ordinal }, i): Entry[] => {
    const value: Entry[] =
      "record" in item ? [{ ordinal, value: { ...item.record }, ts: item.record.at }] : [];
    const w = least(i + 1);
    return w > least(i) ? [...value, { ordinal, watermark: w }] : value;
  });
}

const mapped = (log: Log, fn: (element: Element) => readonly Element[]): Log =>
  log.flatMap((entry): readonly Entry[] => (isElement(entry) ? fn(entry) : [entry]));

function unionOf(logs: readonly Log[]): Log {
  const merged = logs
    .flatMap((log, port) => log.map((entry, order) => ({ entry, port, order })))
    .sort((a, b) => a.entry.ordinal - b.entry.ordinal || a.port - b.port || a.order - b.order);
  const leastAt = (count: number): number =>
    Math.min(
      ...logs.map((_, port) => {
        const last = merged.slice(0, count).findLast((one) => one.port === port && !isElement(one.entry));
        return last === undefined || isElement(last.entry) ? Number.NEGATIVE_INFINITY : last.entry.watermark;
      }),
    );
  return merged.flatMap(({ entry }, i): Entry[] => {
    if (isElement(entry)) return [entry];
    const w = leastAt(i + 1);
    return w > leastAt(i) ? [{ ordinal: entry.ordinal, watermark: w }] : [];
  });
}

/** Which branch takes the element; -1 for none. */
function branchOf(step: Step & { kind: "branch" }, { value }: Element): number {
  const taken = step.predicates.findIndex((name) => PREDICATES[name](value));
  return taken < 0 && step.otherwise ? step.predicates.length : taken;
}

/** The logs of a step's ports, and its account beside `in` and `contributed`. */
function outputsOf(step: Step, logs: readonly Log[]): { ports: readonly Log[]; lost?: Partial<Account> } {
  const [log] = logs;
  const lostBy = (loses: (element: Element) => boolean): number => log.filter(isElement).filter(loses).length;
  switch (step.kind) {
    case "map":
      return { ports: [mapped(log, (e) => [{ ...e, value: MAPS[step.fn](e.value) }])] };
    case "filter": {
      const keeps = (e: Element): boolean => PREDICATES[step.fn](e.value);
      return {
        ports: [mapped(log, (e) => (keeps(e) ? [e] : []))],
        lost: { filtered: lostBy((e) => !keeps(e)) },
      };
    }
    case "flatMap":
      return {
        ports: [mapped(log, (e) => Array.from(FLAT_MAPS[step.fn](e.value), (value) => ({ ...e, value })))],
      };
    case "peek":
      return { ports: [log] };
    case "branch": {
      const ways = step.predicates.length + (step.otherwise ? 1 : 0);
      return {
        ports: Array.from({ length: ways }, (_, port) =>
          mapped(log, (e) => (branchOf(step, e) === port ? [e] : [])),
        ),
        lost: { unmatched: lostBy((e) => branchOf(step, e) < 0) },
      };
    }
    case "union":
      return { ports: [unionOf(logs)] };
    case "window": {
      const { results, late, counts } = windowOf(step, log);
      return { ports: [results, late], lost: counts };
    }
  }
}

function accountOf(logs: readonly Log[], lost: Partial<Account> = {}): Account {
  const read = logs.flat().filter(isElement).length;
  const { filtered = 0, unmatched = 0, late = 0, betweenWindows = 0, missedWindows = 0 } = lost;
  const contributed = read - filtered - unmatched - late - betweenWindows;
  return { in: read, contributed, filtered, unmatched, late, betweenWindows, missedWindows };
}

interface Outputs {
  readonly sources: readonly Log[];
  /** By step and port. */
  readonly steps: readonly (readonly Log[])[];
  readonly accounts: ReadonlyMap<string, Account>;
}

/** What every edge carries, watermarks included. */
export function logsOf(spec: PipelineSpec, trace: Trace): Outputs {
  const sources = spec.sources.map((_, source) => sourceLog(spec, trace, source));
  const steps: (readonly Log[])[] = [];
  const accounts = new Map<string, Account>();
  spec.steps.forEach((step, i) => {
    const logs = inputsOf(step).map((input) => logOf({ sources, steps }, input));
    const { ports, lost } = outputsOf(step, logs);
    steps.push(ports);
    accounts.set(stepName(i), accountOf(logs, lost));
  });
  return { sources, steps, accounts };
}

export function logOf({ sources, steps }: Pick<Outputs, "sources" | "steps">, input: Input): Log {
  return "source" in input ? sources[input.source] : steps[input.step][input.port];
}

/** What must come out of the pipeline when the inputs are taken in the order of the trace. */
export function evaluate(spec: PipelineSpec, trace: Trace): Evaluation {
  const outputs = logsOf(spec, trace);
  const elements = (input: Input): Element[] => logOf(outputs, input).filter(isElement);
  const lateOf = spec.steps.flatMap((step, i): [string, Element[]][] =>
    step.kind === "window" ? [[stepName(i), elements({ step: i, port: 1 })]] : [],
  );
  const sources = outputs.sources.map((log, i) => {
    const watermark = log.reduce(
      (w, entry) => (isElement(entry) ? w : entry.watermark),
      Number.NEGATIVE_INFINITY,
    );
    return [sourceName(i), { records: log.filter(isElement).length, watermark }] as const;
  });
  return {
    sinks: new Map(spec.sinks.map(({ name, input }) => [name, elements(input)])),
    late: new Map(lateOf),
    accounts: outputs.accounts,
    sources: new Map(sources),
  };
}
