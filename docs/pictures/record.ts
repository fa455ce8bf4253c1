/**
 * Runs a scene through the test driver, item by item, and writes down what happened at each: the record, the watermark
 * after it, the panes that came out, and whether the record was late or refused.
 */
import { forEach, fromIterable, pipeline } from "millrace";
import { type TestDriver, type TraceItem, testDriver } from "millrace/testing";
import { ownWatermark } from "../../src/runtime/partition-state.ts";
import type { Arrival, DrawnPane, Numbered, Scene } from "./scene.ts";

export interface Step {
  /** The record that came; null where only the clock moved, or the input ended. */
  readonly record: {
    readonly n: number;
    /** In units of the axis. */
    readonly at: number;
    readonly partition: number;
    readonly says: string;
    readonly fate: "taken" | "late" | "refused";
  } | null;
  readonly isEnd: boolean;
  /** What is to be said of a step without a record. */
  readonly says: string;
  /** By the clock, in units of the axis. */
  readonly now: number;
  /** After it, in units of the axis; of the source, and of each partition. */
  readonly watermark: number;
  readonly partitions: readonly number[];
  readonly panes: readonly DrawnPane[];
}

const nowhere = () => forEach(() => {});

export async function recorded(scene: Scene): Promise<Step[]> {
  const { unitMs = 1000, zeroMs = 0 } = scene.axis;
  const units = (ms: number): number => (ms - zeroMs) / unitMs;
  const app = pipeline(scene.name);
  const records = app.source(fromIterable<Numbered>([]), {
    name: "records",
    ...(scene.watermark === "processingTime" ? {} : { timestamp: (record: Numbered) => record.at }),
    ...(scene.watermark === undefined ? {} : { watermark: scene.watermark }),
    onError: "dead-letter",
  });
  records.to(nowhere(), { name: "taken" });
  const levels = scene.windows(records);
  for (const [i, level] of levels.entries()) level.to(nowhere(), { name: `panes ${i}` });
  app.deadLetters.to(nowhere());

  const driver = await testDriver(app, { partitions: { records: scene.partitions ?? 1 }, startMs: zeroMs });
  const steps: Step[] = [];
  let n = 0;
  let now = 0;
  let lates = 0;
  const arrivals = typeof scene.arrivals === "function" ? await scene.arrivals() : scene.arrivals;
  for (const arrival of arrivals) {
    const record = typeof arrival === "object" && !("at" in arrival) ? null : recordOf(arrival, n + 1);
    if (typeof arrival === "object" && "pass" in arrival) now += arrival.pass;
    if (arrival === "end") await driver.end();
    else await driver.feed([itemOf(record, arrival, unitMs, zeroMs)]);
    if (record !== null) n += 1;

    const [taken] = driver.take("taken");
    const wasLate = lates;
    lates = lateIn(driver);
    const refused = driver.takeDeadLetters().length > 0;
    steps.push({
      record: record && {
        ...record,
        at: taken === undefined ? record.at : units(taken.timestamp),
        fate: refused ? "refused" : lates > wasLate ? "late" : "taken",
      },
      isEnd: arrival === "end",
      says: typeof arrival === "object" && "pass" in arrival ? (arrival.says ?? "") : "",
      now,
      watermark: units(driver.report().sources[0].watermark),
      partitions: watermarksOf(driver).map(units),
      panes: levels.flatMap((_, level) =>
        driver.take(`panes ${level}`).map(({ value }) => paneOf(value, level, units)),
      ),
    });
  }
  await driver.close();
  return steps;
}

interface Arrived {
  readonly n: number;
  readonly at: number;
  readonly partition: number;
  readonly says: string;
}

function recordOf(arrival: Arrival, n: number): Arrived | null {
  if (arrival === "end") return null;
  if (typeof arrival === "number") return { n, at: arrival, partition: 0, says: "" };
  if (!("at" in arrival)) return null;
  return { n, at: arrival.at, partition: arrival.partition ?? 0, says: arrival.says ?? "" };
}

function itemOf(record: Arrived | null, arrival: Arrival, unitMs: number, zeroMs: number): TraceItem {
  if (record !== null) {
    const { n, at, partition, says } = record;
    return { source: "records", partition, record: { n, at: zeroMs + at * unitMs, says } };
  }
  return { advanceMs: (arrival as { readonly pass: number }).pass * unitMs };
}

/** Records that were late for all their windows. */
const lateIn = (driver: TestDriver): number =>
  driver.report().operators.reduce((sum, { done }) => sum + done.late, 0);

const watermarksOf = (driver: TestDriver): number[] =>
  driver.loop.intake.sources.flatMap(({ node, partitions }) =>
    partitions.map((state) =>
      state.ended ? Number.POSITIVE_INFINITY : ownWatermark(state, node.watermark.boundMs),
    ),
  );

/** @param result a pane, or a change of one */
function paneOf(result: unknown, level: number, units: (ms: number) => number): DrawnPane {
  const { op = null, row = result } = result as { op?: DrawnPane["op"]; row?: unknown };
  const { windowStart, windowEnd, pane, value, replaces } = row as {
    windowStart: number | null;
    windowEnd: number | null;
    pane: DrawnPane["kind"];
    value: unknown;
    replaces?: DrawnPane["replaces"];
  };
  return {
    start: windowStart === null ? null : units(windowStart),
    end: windowEnd === null ? null : units(windowEnd),
    kind: pane,
    op,
    value,
    replaces: (replaces ?? []).map(({ start, end }) => ({ start: units(start), end: units(end) })),
    level,
  };
}
