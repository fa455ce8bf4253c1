/** Any trigger: the ready-made ones in all compositions, and some that do as they like. */
import fc from "fast-check";
import {
  atEnd,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  onTime,
  repeatedly,
  type Trigger,
} from "../../src/index.ts";

/** Fires and asks as it likes: everything follows from a number, which is its state. */
function whimsical(seed: number, byClock: boolean): Trigger<number> {
  const next = (state: number, by: number): number => Math.imul(state ^ (by * 0x9e3779b1), 0x85ebca6b) >>> 0;
  const decide = (state: number, watermark: number, now: number, timestamp: number) => {
    const from = [timestamp, watermark, timestamp - 20, Number.NEGATIVE_INFINITY][
      (state >>> 3) % 4
    ] as number;
    const eventTime = (state >>> 5) % 3 === 0 ? Number.POSITIVE_INFINITY : from + ((state >>> 8) % 16);
    return {
      state,
      fire: state % 3 === 0,
      ...((state >>> 12) % 5 === 0 ? {} : { eventTime }),
      ...(!byClock || (state >>> 16) % 2 === 0 ? {} : { processingTime: now - 3 + ((state >>> 20) % 10) }),
    };
  };
  return {
    name: `whimsical ${seed}`,
    onRecord: (state = seed, _value, timestamp, { watermark, now }) =>
      decide(next(state, timestamp), watermark, now, timestamp),
    onTime: (state, { watermark, now, end }) =>
      decide(next(state, byClock ? now : 1), watermark, now, Number.isFinite(end) ? end : 0),
    merge: (left, right) => next(left, right),
  };
}

/** @param options.byClock also by processing time; then what it does hangs on the clock */
export function anyTrigger({ byClock }: { readonly byClock: boolean }): fc.Arbitrary<Trigger> {
  const interval = fc.integer({ min: 1, max: 12 });
  const pace = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map(everyCount),
    interval.map(everyEventTime),
    ...(byClock ? [interval.map(everyProcessingTime)] : []),
  );
  const whim = fc.nat().map((seed) => whimsical(seed, byClock));
  return fc.oneof(
    pace.map((each) => repeatedly(each)),
    fc.record({ early: pace, late: pace }, { requiredKeys: [] }).map((parts) => onTime(parts)),
    fc.constant(atEnd()),
    whim,
    fc.record({ early: whim, late: whim }).map((parts) => onTime(parts)),
  );
}
