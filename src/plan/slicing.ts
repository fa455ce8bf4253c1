/** Which windows share slices: those that overlap, fire only at their ends and for late records, and may be merged. */
import { fieldsOf, type WindowNode } from "./node.ts";

/** Whether the windows overlap, so that it is a question at all. */
export function overlaps({ windows }: WindowNode): boolean {
  switch (windows.kind) {
    case "aligned":
      return windows.slideMs < windows.sizeMs;
    case "cumulating":
      return windows.stepMs < windows.maxSizeMs;
    default:
      return false;
  }
}

/** Why overlapping windows keep an accumulator each; null where they share slices. */
export function whyNotBySlices(node: WindowNode): string | null {
  const { trigger, discard, finalOnly, latenessMs, aggregates } = node;
  if (trigger !== null) return "it has a trigger";
  if (discard && !finalOnly && latenessMs > 0) return "late panes discard what was fired";
  const inOrder = fieldsOf(aggregates).find(
    ({ aggregate }) => aggregate.orderSensitive && aggregate.arrivalBreaksTies !== true,
  );
  return inOrder === undefined ? null : `${inOrder.aggregate.name} goes by the order of arrival`;
}
