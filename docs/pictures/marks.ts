/** What a picture consists of, each with its place in pixels. */
import type { DrawnPane } from "./scene.ts";
import { widthOf } from "./svg.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Label extends Box {
  readonly text: string;
  readonly anchor: "start" | "middle" | "end";
  readonly size: number;
  readonly tone: "strong" | "plain" | "soft";
}

export interface Dot {
  readonly n: number;
  readonly x: number;
  readonly y: number;
  readonly partition: number;
  readonly fate: "taken" | "late" | "refused";
}

export interface PaneBox extends Box {
  readonly kind: DrawnPane["kind"];
  /** It takes a pane back. */
  readonly isGone: boolean;
  readonly level: number;
  readonly label: Label;
}

export interface Line {
  readonly of: "source" | "partition 0" | "partition 1";
  readonly points: readonly (readonly [number, number])[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly plot: Box;
  readonly ticks: readonly number[];
  readonly labels: readonly Label[];
  readonly dots: readonly Dot[];
  readonly panes: readonly PaneBox[];
  readonly lines: readonly Line[];
}

/** @param baseline of the text; `x` is where its anchor is */
export function label(
  text: string,
  x: number,
  baseline: number,
  size: number,
  tone: Label["tone"],
  anchor: Label["anchor"] = "start",
): Label {
  const width = widthOf(text, size);
  const left = anchor === "start" ? x : anchor === "middle" ? x - width / 2 : x - width;
  return { text, anchor, x: left, y: baseline - size * 0.8, width, height: size, size, tone };
}
