/** What a picture is made of: a pipeline over numbered records, and the order in which they arrive. */
import type { Stream, WatermarkOption } from "millrace";

/** A record of a scene. Its number is that of its arrival. */
export interface Numbered {
  readonly n: number;
  /** Milliseconds. */
  readonly at: number;
  /** What it says beside its time: a gap, or that nothing before follows. */
  readonly says?: string;
}

/** One line of a trace. Times are in units of the scene's axis. */
export type Arrival =
  | number
  | { readonly at: number; readonly partition?: 0 | 1; readonly says?: string }
  /** The clock goes on. */
  | { readonly pass: number; readonly says?: string }
  | "end";

export interface Tick {
  /** In units of the axis. */
  readonly at: number;
  readonly label: string;
}

export interface Axis {
  /** A unit in milliseconds, and where its zero is. Default: seconds since 1970 */
  readonly unitMs?: number;
  readonly zeroMs?: number;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly Tick[];
  /** Default "event time" */
  readonly name?: string;
}

/** What was drawn of a result. */
export interface DrawnPane {
  /** In units of the axis; null for windows without bounds. */
  readonly start: number | null;
  readonly end: number | null;
  readonly kind: "early" | "on-time" | "late";
  /** Of a changelog: whether it comes or goes. */
  readonly op: "+I" | "+U" | "-U" | "-D" | null;
  readonly value: unknown;
  /** The bounds of the panes that it stands in for. */
  readonly replaces: readonly { readonly start: number; readonly end: number }[];
  /** Which of the scene's windows it is of: 1 for a window over the results of another. */
  readonly level: number;
}

export interface Scene {
  /** The file's name. */
  readonly name: string;
  readonly title: string;
  /** What the picture shows, for those who don't see it. */
  readonly description: string;
  readonly axis: Axis;
  readonly watermark?: WatermarkOption<Numbered>;
  readonly partitions?: 1 | 2;
  /** Results of windows, or changes of them: of one, or of one and another over it. Their values list numbers of records. */
  windows(records: Stream<Numbered>): readonly Stream<any>[];
  readonly arrivals: readonly Arrival[] | (() => Promise<readonly Arrival[]>);
  /** The text of a pane. Default: its kind and its value */
  label?(pane: DrawnPane): string;
}

/** Ticks of a number each. */
export const ticks = (from: number, to: number, step: number): Tick[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => ({
    at: from + i * step,
    label: String(from + i * step),
  }));
