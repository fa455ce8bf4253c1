/**
 * The interleaved timer: A B A B ... in one process, the fastest run of each side counts.
 *
 * Interleaved, because the machine's speed drifts (neighbours, heat, turbo): both sides then see the same weather. The
 * fastest, because all noise is additive: nothing makes a run faster than the code is. A garbage collection before
 * each run keeps one side from paying for the other's garbage; what a side makes in its own run, it pays for.
 *
 * Every run gives its result, and all results must be equal: a side that does less work fails, and does not win.
 */
import assert from "node:assert/strict";

export interface Sides<R> {
  /** Records that each side works on. */
  readonly records: number;
  /** The pipeline, built and run: compiling the stages is part of the run, as it is in a user's program. */
  readonly ours: () => Promise<R>;
  /** The same by hand. Of several ways the fastest counts. */
  readonly byHand: Readonly<Record<string, () => R | Promise<R>>>;
}

export interface Comparison {
  readonly ratio: number;
  /** Per record, fastest run. */
  readonly oursNs: number;
  readonly byHandNs: number;
  /** Of the medians of all runs: tells, beside `ratio`, how noisy the machine was. */
  readonly medianRatio: number;
  readonly byHandWay: string;
  readonly records: number;
  readonly runs: number;
}

/** Untimed: code is compiled, the records move to where they stay. */
const WARM_UP_RUNS = 2;

export async function compare<R>({ records, ours, byHand }: Sides<R>, runs: number): Promise<Comparison> {
  let expected: R | undefined;
  const time = async (side: string, work: () => R | Promise<R>): Promise<number> => {
    collectGarbage();
    const began = performance.now();
    const result = await work();
    const ns = ((performance.now() - began) * 1e6) / records;
    expected ??= result;
    assert.deepStrictEqual(result, expected, `${side} gave another result than the run before`);
    return ns;
  };

  for (let i = 0; i < WARM_UP_RUNS; i++) {
    await time("ours", ours);
    for (const [way, work] of Object.entries(byHand)) await time(way, work);
  }

  const oursNs: number[] = [];
  const ways = Object.entries(byHand).map(([way, work]) => ({ way, work, ns: [] as number[] }));
  for (let i = 0; i < runs; i++) {
    oursNs.push(await time("ours", ours));
    for (const { way, work, ns } of ways) ns.push(await time(way, work));
  }
  const best = ways.reduce((a, b) => (Math.min(...b.ns) < Math.min(...a.ns) ? b : a));
  return comparisonOf({ oursNs, byHandNs: best.ns, byHandWay: best.way, records });
}

/** @param all.oursNs per record, of each run; `byHandNs` likewise */
export function comparisonOf({
  oursNs,
  byHandNs,
  byHandWay,
  records,
}: {
  readonly oursNs: readonly number[];
  readonly byHandNs: readonly number[];
  readonly byHandWay: string;
  readonly records: number;
}): Comparison {
  const [fastest, fastestByHand] = [Math.min(...oursNs), Math.min(...byHandNs)];
  return {
    ratio: rounded(fastest / fastestByHand),
    oursNs: rounded(fastest),
    byHandNs: rounded(fastestByHand),
    medianRatio: rounded(median(oursNs) / median(byHandNs)),
    byHandWay,
    records,
    runs: oursNs.length,
  };
}

export function collectGarbage(): void {
  if (globalThis.gc === undefined)
    throw new Error("Benchmarks run with --expose-gc: start them with bench/main.ts");
  globalThis.gc();
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The least value that at least the share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
