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
  /** The same by hand. Of several ways the one counts that is fastest in the warm-up. */
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

  const warmUp = new Map<string, number>();
  for (let i = 0; i < WARM_UP_RUNS; i++) {
    for (const [way, work] of Object.entries(byHand)) {
      warmUp.set(way, Math.min(warmUp.get(way) ?? Number.POSITIVE_INFINITY, await time(way, work)));
    }
    await time("ours", ours);
  }
  const byHandWay = [...warmUp].reduce((a, b) => (b[1] < a[1] ? b : a))[0];

  const oursNs: number[] = [];
  const byHandNs: number[] = [];
  for (let i = 0; i < runs; i++) {
    oursNs.push(await time("ours", ours));
    byHandNs.push(await time(byHandWay, byHand[byHandWay]));
  }
  const [fastest, fastestByHand] = [Math.min(...oursNs), Math.min(...byHandNs)];
  return {
    ratio: fastest / fastestByHand,
    oursNs: fastest,
    byHandNs: fastestByHand,
    medianRatio: median(oursNs) / median(byHandNs),
    byHandWay,
    records,
    runs,
  };
}

export function collectGarbage(): void {
  if (globalThis.gc === undefined)
    throw new Error("Benchmarks run with --expose-gc: start them with bench/main.ts");
  globalThis.gc();
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The least value that at least the share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
