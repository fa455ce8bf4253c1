/** A picture as SVG: on a card of its own colour, so that it can be read on light pages and on dark ones. */
import type { Box, Dot, Label, Layout, Line, PaneBox } from "./marks.ts";
import type { Scene } from "./scene.ts";
import { element, FONT, px, widthOf } from "./svg.ts";

const INK = { strong: "#1a202c", plain: "#1a202c", soft: "#5a6577" };
const CARD = "#ffffff";
const GRID = "#e2e8f0";
const WATERMARK = "#2b6cb0";
const PARTITIONS = ["#7fa8d1", "#c08a4f"];
const LATE = "#c53030";
const PANES = {
  early: { fill: "#fdf0cf", stroke: "#b7791f" },
  "on-time": { fill: "#d8f0e2", stroke: "#2f855a" },
  late: { fill: "#fbdedd", stroke: LATE },
  gone: { fill: CARD, stroke: "#5a6577", "stroke-dasharray": "4 3" },
  outer: { fill: "#e5defa", stroke: "#6b46c1" },
};

const PAINTED: Record<keyof typeof PANES, string> = {
  early: "early pane",
  "on-time": "on-time pane",
  late: "late pane",
  gone: "taken back",
  outer: "outer pane",
};

export function drawn(scene: Scene, layout: Layout): string {
  const { width, height, plot, ticks, labels, dots, panes, lines } = layout;
  const parts = [
    element("title", { id: `${scene.name}-title` }, scene.title),
    element("desc", { id: `${scene.name}-desc` }, scene.description),
    element("rect", {
      x: 0.5,
      y: 0.5,
      width: width - 1,
      height: height - 1,
      rx: 8,
      fill: CARD,
      stroke: GRID,
    }),
    element("rect", { ...plot, fill: "none", stroke: GRID }),
    ...ticks.map((x) =>
      element("path", { d: `M${px(x)} ${px(plot.y)}V${px(plot.y + plot.height)}`, stroke: GRID }),
    ),
    ...lines.map(lineOf),
    ...panes.map(paneOf),
    ...labels.map(textOf),
    ...dots.map(dotOf),
    ...legendOf(layout).map(({ mark, label }) => mark + textOf(label)),
  ];
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${px(width)} ${px(height)}`,
      width,
      height,
      role: "img",
      "aria-labelledby": `${scene.name}-title ${scene.name}-desc`,
      "font-family": FONT,
    },
    ["\n", ...parts.map((part) => `${part}\n`)],
  );
  return `${svg}\n`;
}

function textOf({ text, anchor, x, y, width, size, tone }: Label): string {
  return element(
    "text",
    {
      x: anchor === "start" ? x : anchor === "middle" ? x + width / 2 : x + width,
      y: y + size * 0.8,
      "text-anchor": anchor,
      "font-size": size,
      "font-weight": tone === "strong" ? 600 : 400,
      fill: INK[tone],
      stroke: CARD,
      "stroke-width": 3,
      "stroke-opacity": 0.8,
      "paint-order": "stroke",
    },
    text,
  );
}

function lineOf({ of, points }: Line): string {
  const isSource = of === "source";
  return element("path", {
    d: points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${px(x)} ${px(y)}`).join(""),
    fill: "none",
    stroke: isSource ? WATERMARK : PARTITIONS[of === "partition 0" ? 0 : 1],
    "stroke-width": isSource ? 2.5 : 1.5,
    "stroke-dasharray": isSource ? "none" : "5 3",
    "stroke-linejoin": "round",
  });
}

const paintOf = ({ kind, level, isGone }: PaneBox): keyof typeof PANES =>
  isGone ? "gone" : level > 0 ? "outer" : kind;

function paneOf(pane: PaneBox): string {
  const { x, y, width, height, label } = pane;
  return element("rect", { x, y, width, height, rx: 4, ...PANES[paintOf(pane)] }) + textOf(label);
}

function dotOf({ n, x, y, partition, fate }: Dot): string {
  const isTaken = fate === "taken";
  const paint = {
    fill: isTaken ? INK.strong : CARD,
    stroke: isTaken ? INK.strong : LATE,
    "stroke-width": 1.5,
  };
  const shape =
    partition === 0
      ? element("circle", { cx: x, cy: y, r: 9, ...paint })
      : element("rect", { x: x - 9, y: y - 9, width: 18, height: 18, rx: 3, ...paint });
  const number = element(
    "text",
    { x, y: y + 4, "text-anchor": "middle", "font-size": 11, fill: isTaken ? CARD : LATE },
    String(n),
  );
  return shape + number;
}

/** What the marks of this picture mean, in a row below it. */
export function legendOf({
  plot,
  height,
  dots,
  panes,
  lines,
}: Layout): { mark: string; label: Label; box: Box }[] {
  const y = height - 18;
  const items: { text: string; mark: (x: number) => string }[] = [];
  const dot = (fate: Dot["fate"], partition: number) => (x: number) =>
    dotOf({ n: 1, x: x + 9, y, partition, fate });
  const box = (kind: keyof typeof PANES) => (x: number) =>
    element("rect", { x, y: y - 7, width: 18, height: 14, rx: 4, ...PANES[kind] });
  const line = (of: Line["of"]) => (x: number) =>
    lineOf({
      of,
      points: [
        [x, y],
        [x + 18, y],
      ],
    });

  const isSplit = dots.some(({ partition }) => partition === 1);
  items.push({ text: isSplit ? "record of partition 0" : "record", mark: dot("taken", 0) });
  if (isSplit) items.push({ text: "of partition 1", mark: dot("taken", 1) });
  if (dots.some(({ fate }) => fate === "late")) items.push({ text: "late stream", mark: dot("late", 0) });
  if (dots.some(({ fate }) => fate === "refused")) items.push({ text: "refused", mark: dot("refused", 0) });
  items.push({ text: "watermark", mark: line("source") });
  if (lines.some(({ of }) => of === "partition 0"))
    items.push({ text: "of 0", mark: line("partition 0") }, { text: "of 1", mark: line("partition 1") });
  for (const [paint, text] of Object.entries(PAINTED) as [keyof typeof PANES, string][]) {
    if (panes.some((pane) => paintOf(pane) === paint)) items.push({ text, mark: box(paint) });
  }

  let x = plot.x;
  return items.map(({ text, mark }) => {
    const room = widthOf(text, 11);
    const item = {
      mark: mark(x),
      label: {
        text,
        anchor: "start" as const,
        x: x + 22,
        y: y - 5,
        width: room,
        height: 11,
        size: 11,
        tone: "soft" as const,
      },
      box: { x, y: y - 9, width: 22 + room, height: 18 },
    };
    x += 22 + room + 10;
    return item;
  });
}
