/** Random windows for fast-check: sizes and distances are small, so that records often hit a boundary exactly. */
import fc from "fast-check";
import type { AssignerSpec, TriggerSpec, WindowStep } from "./spec.ts";

const tumbling = fc
  .record({ sizeMs: fc.constantFrom(10, 5, 7, 1, 2), shift: fc.constantFrom(0, 0, 3, -3, 1) })
  .map(({ sizeMs, shift }) => ({ type: "tumbling" as const, sizeMs, offsetMs: shift % sizeMs }));

const sliding = fc
  .record({
    // Aligned, not a multiple, one millisecond apart, many windows, gaps between windows.
    shape: fc.constantFrom([10, 5], [10, 4], [7, 3], [5, 4], [12, 1], [4, 10], [1, 3], [9, 9], [6, 5]),
    shift: fc.constantFrom(0, 0, 2, -2, 1),
  })
  .map(({ shape: [sizeMs, slideMs], shift }) => ({
    type: "sliding" as const,
    sizeMs,
    slideMs,
    offsetMs: shift % slideMs,
  }));

const cumulating = fc
  .record({
    shape: fc.constantFrom([10, 5], [12, 3], [8, 1], [6, 6]),
    shift: fc.constantFrom(0, 0, 2, -2, 1),
  })
  .map(({ shape: [maxSizeMs, stepMs], shift }) => ({
    type: "cumulating" as const,
    maxSizeMs,
    stepMs,
    offsetMs: shift % stepMs,
  }));

/** Of one record, all of them apart, overlapping, not a multiple, one record apart, with records between. */
const counts = fc
  .constantFrom([3, 3], [1, 1], [4, 2], [5, 2], [3, 1], [2, 5])
  .map(([size, slide]) => ({ type: "count" as const, size, slide }));

const assigner: fc.Arbitrary<AssignerSpec> = fc.oneof(
  { weight: 4, arbitrary: tumbling },
  { weight: 4, arbitrary: sliding },
  {
    weight: 5,
    arbitrary: fc.constantFrom(5, 10, 1, 2, 7).map((gapMs) => ({ type: "session" as const, gapMs })),
  },
  { weight: 2, arbitrary: cumulating },
  { weight: 1, arbitrary: fc.constant({ type: "sessionDynamic" as const }) },
  { weight: 1, arbitrary: counts },
  { weight: 1, arbitrary: fc.constant({ type: "global" as const }) },
);

const trigger: fc.Arbitrary<TriggerSpec> = fc.oneof(
  fc.record({
    type: fc.constant("onTime" as const),
    early: fc.constantFrom({ eventTimeMs: 4 }, { eventTimeMs: 1 }, { count: 2 }, { count: 1 }, { count: 3 }),
  }),
  fc.record({
    type: fc.constant("onTime" as const),
    early: fc.constantFrom({ eventTimeMs: 4 }, { count: 2 }),
    late: fc.constantFrom({ count: 2 }, { eventTimeMs: 3 }, { eventTimeMs: 1 }),
  }),
  fc.constantFrom<TriggerSpec>(
    { type: "repeatedly", pace: { count: 2 } },
    { type: "repeatedly", pace: { count: 3 } },
    { type: "repeatedly", pace: { eventTimeMs: 4 } },
    { type: "atEnd" },
    { type: "onTime", late: { count: 2 } },
  ),
);

/** What a window node says of its windows; not every combination is one that there can be. */
export const windowArbitrary = fc.record({
  assigner,
  allowedLatenessMs: fc.constantFrom(0, 0, 1, 5, 12, 40, 1e12),
  discard: fc.boolean(),
  trigger: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: trigger }),
  isFinalOnly: fc.nat(7).map((n) => n === 7),
  maxDurationMs: fc.constantFrom(null, null, 3, 12),
});

type WindowDraw = typeof windowArbitrary extends fc.Arbitrary<infer D> ? D : never;

/**
 * The nearest combination that there can be.
 *
 * @param ordered the order of the input's elements is fixed, as is needed where records are counted as they come
 * @param untold also sessions that the oracle does not tell: with triggers, and with a maximum duration
 */
export function windowOf(
  { assigner, allowedLatenessMs, discard, trigger, isFinalOnly, maxDurationMs }: WindowDraw,
  ordered: boolean,
  untold: boolean,
): Pick<WindowStep, "assigner" | "allowedLatenessMs" | "discard" | "trigger" | "finalOnly"> {
  const early = ordered ? trigger : null;
  switch (assigner.type) {
    case "count":
      return ordered
        ? { assigner, allowedLatenessMs: 0, discard: false }
        : { assigner: { type: "tumbling", sizeMs: 5, offsetMs: 0 }, allowedLatenessMs, discard };
    case "global":
      return { assigner, allowedLatenessMs: 0, discard, trigger: early ?? { type: "atEnd" } };
    case "session":
    case "sessionDynamic": {
      const cut =
        untold && assigner.type === "session" && maxDurationMs !== null
          ? { ...assigner, maxDurationMs }
          : assigner;
      return untold && early !== null
        ? { assigner: cut, allowedLatenessMs, discard, trigger: early }
        : { assigner: cut, allowedLatenessMs, discard, finalOnly: isFinalOnly };
    }
    default:
      return early === null
        ? { assigner, allowedLatenessMs, discard, finalOnly: isFinalOnly }
        : { assigner, allowedLatenessMs, discard, trigger: early };
  }
}

/** Where its windows begin and how long they are; null where that is not on a grid. */
export function gridOf(
  assigner: AssignerSpec,
): { readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number } | null {
  switch (assigner.type) {
    case "tumbling":
      return { ...assigner, slideMs: assigner.sizeMs };
    case "sliding":
      return assigner;
    case "cumulating":
      return { sizeMs: assigner.maxSizeMs, slideMs: assigner.stepMs, offsetMs: assigner.offsetMs };
    default:
      return null;
  }
}
