/**
 * Sessions by sorting and scanning, and the table that a stream of session panes stands for: what the engine is held
 * against, whatever the order in which records and watermarks came.
 */
import fc from "fast-check";
import {
  collect,
  forEach,
  fromIterable,
  type Pipeline,
  pipeline,
  session,
  type Trigger,
  type WindowOptions,
} from "../../src/index.ts";
import type { Output } from "../../src/testing/driver.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";

export interface Visit {
  readonly id: number;
  readonly key: string;
  readonly at: number;
  readonly gap: number;
}

export interface Sessions {
  readonly visits: readonly Visit[];
  /** NaN: each visit's own. */
  readonly gap: number;
  /** +Infinity: none. */
  readonly maxDuration: number;
}

/** Keys, with the sessions of each as "[start, end) ids", sorted. */
export type SessionTable = Record<string, string[]>;

const lineOf = (start: number, end: number, ids: readonly number[]): string =>
  `[${start}, ${end}) ${ids.toSorted((a, b) => a - b).join(" ")}`;

export function scannedTable({ visits, gap, maxDuration }: Sessions): SessionTable {
  const table: SessionTable = {};
  for (const key of new Set(visits.map((visit) => visit.key))) {
    const sessions: { start: number; end: number; ids: number[] }[] = [];
    for (const visit of visits.filter((one) => one.key === key).sort((a, b) => a.at - b.at)) {
      const runsOut = visit.at + (Number.isNaN(gap) ? visit.gap : gap);
      const last = sessions.at(-1);
      if (last !== undefined && visit.at <= last.end && visit.at < last.start + maxDuration) {
        last.ids.push(visit.id);
        last.end = Math.max(last.end, runsOut);
      } else {
        sessions.push({ start: visit.at, end: runsOut, ids: [visit.id] });
      }
      const { start, end } = sessions.at(-1)!;
      sessions.at(-1)!.end = Math.min(end, start + maxDuration);
    }
    table[key] = sessions.map(({ start, end, ids }) => lineOf(start, end, ids)).sort();
  }
  return table;
}

export interface VisitPane {
  readonly key: string;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly pane: string;
  readonly paneIndex: number;
  readonly replaces: readonly { readonly start: number; readonly end: number }[];
  readonly value: readonly number[];
}

/** A pane takes the place of those that it replaces, and of the one with its bounds. */
export function foldedTable(panes: readonly VisitPane[]): SessionTable {
  const byKey = new Map<string, Map<string, string>>();
  for (const { key, windowStart, windowEnd, replaces, value } of panes) {
    const sessions = byKey.get(key) ?? new Map<string, string>();
    for (const { start, end } of replaces) {
      if (!sessions.delete(`${start} ${end}`)) throw new Error(`[${start}, ${end}) of ${key} is not there`);
    }
    sessions.set(`${windowStart} ${windowEnd}`, lineOf(windowStart, windowEnd, value));
    byKey.set(key, sessions);
  }
  return Object.fromEntries(Array.from(byKey, ([key, sessions]) => [key, [...sessions.values()].sort()]));
}

export const panesOf = (outputs: readonly Output[] | undefined): VisitPane[] =>
  (outputs ?? []).map(({ value }) => value as VisitPane);

export function sessionsApp(
  { gap, maxDuration }: Omit<Sessions, "visits">,
  options: WindowOptions & { readonly trigger?: Trigger } = {},
): Pipeline {
  const app = pipeline("visits");
  const results = app
    .source(fromIterable<Visit>([]), { name: "in", timestamp: (visit) => visit.at, watermark: "none" })
    .keyBy((visit) => visit.key)
    .window(
      session((visit) => (Number.isNaN(gap) ? visit.gap : gap), {
        ...(maxDuration === Number.POSITIVE_INFINITY ? {} : { maxDuration }),
      }),
      { name: "sessions", ...options },
    )
    .aggregate(collect((visit) => visit.id));
  results.to(
    forEach(() => {}),
    { name: "out" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

export const sessionsArbitrary: fc.Arbitrary<Sessions> = fc
  .record({
    steps: fc.array(
      fc.record({
        step: fc.oneof({ weight: 5, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.nat(25) }),
        key: fc.constantFrom("a", "a", "a", "b"),
        gap: fc.oneof(
          { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
          fc.integer({ min: 1, max: 40 }),
        ),
      }),
      { maxLength: 40, size: "max" },
    ),
    from: fc.constantFrom(0, -60, 1_700_000_000_000),
    gap: fc.constantFrom(Number.NaN, 1, 4, 9),
    maxDuration: fc.constantFrom(1, 3, 10, 11, 25, 60, Number.POSITIVE_INFINITY),
  })
  .map(({ steps, from, gap, maxDuration }) => {
    let at = from;
    const visits = steps.map(({ step, key, gap: own }, id) => {
      at += step;
      return { id, key, at, gap: own };
    });
    return { visits, gap, maxDuration };
  });

/**
 * The visits in any order that watermarks allow which never say too much.
 *
 * @param moves how far each visit is put off, and how much of what a watermark could say each says
 */
export function honestTrace(
  visits: readonly Visit[],
  moves: readonly { readonly delay: number; readonly says: number }[],
): TraceItem[] {
  const move = (i: number) => moves[i % moves.length] ?? { delay: 0, says: 0 };
  const order = visits
    .map((visit, i) => ({ visit, delayed: visit.at + move(i).delay }))
    .sort((a, b) => a.delayed - b.delayed || b.visit.id - a.visit.id)
    .map(({ visit }) => visit);
  return order.flatMap((visit, i): TraceItem[] => {
    const least = Math.min(...order.slice(i + 1).map(({ at }) => at));
    const watermark = Number.isFinite(least) ? least - move(i).says : Number.NaN;
    return [
      { source: "in", record: visit },
      ...(Number.isNaN(watermark) || move(i).says > 30 ? [] : [{ source: "in", watermark }]),
    ];
  });
}

export const movesArbitrary = fc.array(fc.record({ delay: fc.nat(40), says: fc.nat(40) }), {
  minLength: 1,
  maxLength: 12,
});
