/** Where panes go so that none hides another: in lanes below the record that fired them, or in columns beside the plot. */
import type { Step } from "./record.ts";
import type { DrawnPane } from "./scene.ts";
import { widthOf } from "./svg.ts";

/** The size of a pane's text. */
export const TEXT = 12;

/** The panes of one firing, in as few lanes as hold them without overlap; windows over windows below the others. */
export function lanesOf(
  fired: readonly DrawnPane[],
  textOf: (pane: DrawnPane) => string,
  xOf: (at: number) => number,
  left: number,
) {
  const taken: { from: number; to: number; lane: number }[] = [];
  let floor = 0;
  let lanes = 0;
  let level = 0;
  const panes = fired.map((pane) => {
    if (pane.level > level) {
      level = pane.level;
      floor = lanes;
    }
    const x = xOf(pane.start!);
    const width = xOf(pane.end!) - x;
    const text = textOf(pane);
    const room = widthOf(text, TEXT);
    const isInside = room + 8 <= width;
    // To the left lies what the watermark has passed.
    const isLeft = x - 4 - room >= left;
    const textX = isInside ? x + (width - room) / 2 : isLeft ? x - 4 - room : x + width + 4;
    const from = Math.min(x, textX) - 3;
    const to = Math.max(x + width, textX + room) + 3;
    let lane = floor;
    while (taken.some((other) => other.lane === lane && other.from < to && from < other.to)) lane += 1;
    taken.push({ from, to, lane });
    lanes = Math.max(lanes, lane + 1);
    return { pane, box: { x, width }, text: { text, x: textX, room }, lane };
  });
  return { panes, lanes };
}

/** Windows without bounds, in columns beside the plot; `x` counts from the plot's right side. */
export function columnsOf(steps: readonly Step[], textOf: (pane: DrawnPane) => string) {
  const unbounded = steps.flatMap(({ panes }) => panes.filter(({ start }) => start === null));
  const columns: { until: number; room: number }[] = [];
  const placed = unbounded.map((pane) => {
    const members = pane.value as readonly number[];
    const text = textOf(pane);
    let column = columns.findIndex(({ until }) => until < members[0]);
    if (column < 0) column = columns.push({ until: 0, room: 0 }) - 1;
    columns[column].until = members.at(-1)!;
    columns[column].room = Math.max(columns[column].room, widthOf(text, TEXT) + 12);
    return { pane, text, members, column };
  });
  const left = (column: number): number =>
    columns.slice(0, column).reduce((sum, { room }) => sum + room + 8, 12);
  return {
    width: columns.length === 0 ? 0 : left(columns.length),
    panes: placed.map(({ column, ...rest }) => ({ ...rest, x: left(column), width: columns[column].room })),
  };
}
