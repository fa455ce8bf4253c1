/**
 * Where everything of a picture stands. Event time goes to the right, arrival goes down: a row per record, and below it
 * a lane for each pane that it brought out. A pane is a box from its window's start to its end. Windows without bounds
 * in time are boxes beside the plot, from the row of their first record to that of their last.
 */
import { type Dot, type Label, label, type Layout, type Line, type PaneBox } from "./marks.ts";
import { columnsOf, lanesOf, TEXT } from "./places.ts";
import type { Step } from "./record.ts";
import type { DrawnPane, Scene } from "./scene.ts";
import { widthOf } from "./svg.ts";

const WIDTH = 760;
const LEFT = 58;
const RIGHT = 18;
const TOP = 74;
const ROW = 26;
const LANE = 22;
const GAP = 4;
const DOT = 9;

export function layoutOf(scene: Scene, steps: readonly Step[]): Layout {
  const { axis } = scene;
  const textOf = scene.label ?? (({ kind, value }: DrawnPane) => `${kind}: ${value}`);
  const isBounded = ({ start }: DrawnPane) => start !== null;
  const bars = columnsOf(steps, textOf);
  const plotX = LEFT;
  const plotWidth = WIDTH - LEFT - RIGHT - bars.width;
  const right = plotX + plotWidth;
  const xOf = (at: number): number =>
    plotX + Math.max(0, Math.min(1, (at - axis.from) / (axis.to - axis.from))) * plotWidth;

  const labels: Label[] = [
    label(scene.title, LEFT, 28, 15, "strong"),
    ...axis.ticks.map((tick) => label(tick.label, xOf(tick.at), TOP - 11, 11, "soft", "middle")),
    label(`${axis.name ?? "event time (s)"} →`, right, TOP - 30, 11, "soft", "end"),
    label("arrival ↓", 8, TOP - 30, 11, "soft"),
  ];
  const dots: Dot[] = [];
  const panes: PaneBox[] = [];
  /** Of records, by their number: the row's middle. */
  const rows = new Map<number, number>();
  const showsClock = steps.some(({ now }) => now > 0);
  const tracks = tracksOf(scene, plotX);

  let y = TOP + 4;
  for (const step of steps) {
    const { record } = step;
    const fired = step.panes.filter(isBounded);
    const isRow = record !== null || step.isEnd || step.says !== "";
    if (record !== null) {
      const middle = y + ROW / 2;
      rows.set(record.n, middle);
      const x = xOf(record.at);
      dots.push({ n: record.n, x, y: middle, partition: record.partition, fate: record.fate });
      const note = noteOf(record);
      const goesLeft = x + DOT + 4 + widthOf(note, 11) > right;
      const beside = goesLeft ? x - DOT - 4 : x + DOT + 4;
      if (note !== "") labels.push(label(note, beside, middle + 4, 11, "plain", goesLeft ? "end" : "start"));
    }
    if (step.says !== "") labels.push(label(step.says, right - 6, y + ROW / 2 + 4, 11, "plain", "end"));
    if (step.isEnd) labels.push(label("end", 8, y + ROW / 2 + 4, 11, "soft"));
    else if (showsClock && (isRow || fired.length > 0))
      labels.push(label(`${step.now} s`, 8, y + (isRow ? ROW : LANE) / 2 + 4, 11, "soft"));
    if (isRow) y += ROW;
    for (const track of tracks) track.move(step, y, xOf);

    const placed = lanesOf(fired, textOf, xOf, plotX);
    for (const { pane, box, text, lane } of placed.panes) {
      const top = y + GAP / 2 + lane * LANE;
      panes.push({
        x: box.x,
        y: top,
        width: box.width,
        height: LANE - GAP,
        kind: pane.kind,
        isGone: pane.op === "-U" || pane.op === "-D",
        level: pane.level,
        label: label(text.text, text.x + text.room / 2, top + 13, TEXT, "plain", "middle"),
      });
    }
    y += placed.lanes * LANE + (placed.lanes > 0 ? GAP : 0);
  }
  y += 4;
  for (const { pane, text, x, width, members } of bars.panes) {
    const top = rows.get(members[0])! - DOT;
    const bottom = rows.get(members.at(-1)!)! + DOT;
    panes.push({
      x: right + x,
      y: top,
      width,
      height: bottom - top,
      kind: pane.kind,
      isGone: false,
      level: pane.level,
      label: label(text, right + x + width / 2, (top + bottom) / 2 + 4, TEXT, "plain", "middle"),
    });
  }
  return {
    width: WIDTH,
    height: y + 40,
    plot: { x: plotX, y: TOP, width: plotWidth, height: y - TOP },
    ticks: axis.ticks.map(({ at }) => xOf(at)),
    labels,
    dots,
    panes,
    lines: tracks.map(({ of, points }) => ({ of, points: [...points, [points.at(-1)![0], y]] })),
  };
}

/** What stands beside a record: what it says, and what became of it. */
const noteOf = ({ says, fate }: NonNullable<Step["record"]>): string =>
  [says, fate === "taken" ? "" : fate].filter((text) => text !== "").join(", ");

/** The watermarks: that of the source, and where there are two partitions each one's. They begin at the left. */
function tracksOf({ partitions = 1 }: Scene, left: number) {
  const track = (of: Line["of"], at: (step: Step) => number) => {
    const points: [x: number, y: number][] = [[left, TOP]];
    return {
      of,
      points,
      move(step: Step, y: number, xOf: (at: number) => number): void {
        const [before] = points.at(-1)!;
        const x = xOf(at(step));
        if (x !== before) points.push([before, y], [x, y]);
      },
    };
  };
  const source = track("source", ({ watermark }) => watermark);
  if (partitions === 1) return [source];
  return [
    track("partition 0", (step) => step.partitions[0]),
    track("partition 1", (step) => step.partitions[1]),
    source,
  ];
}
