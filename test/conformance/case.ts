/** The format of a case file: README.md beside this file. */

export type WindowSpec =
  | { readonly type: "tumbling"; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly type: "sliding"; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | {
      readonly type: "cumulating";
      readonly maxSizeMs: number;
      readonly stepMs: number;
      readonly offsetMs: number;
    }
  | { readonly type: "session"; readonly gapMs: number }
  | { readonly type: "sessionDynamic" }
  | { readonly type: "count"; readonly size: number }
  | { readonly type: "countSliding"; readonly size: number; readonly slide: number }
  | { readonly type: "global" };

export type TriggerSpec = { readonly discard?: boolean } & (
  | { readonly type: "eventTime" | "endOfStream" | "default" }
  | { readonly type: "count"; readonly count: number }
  | { readonly type: "continuousEventTime"; readonly intervalMs: number }
);

export interface Item {
  readonly key: string;
  readonly ts: number;
  readonly value: number;
  /** Only where the window is "sessionDynamic". */
  readonly gapMs?: number;
}

export interface Case {
  readonly id: string;
  readonly window: WindowSpec;
  readonly trigger: TriggerSpec;
  readonly allowedLatenessMs: number;
  readonly input: readonly (
    | ({ readonly op: "record" } & Item)
    | { readonly op: "watermark"; readonly exclusive: number | "max" }
  )[];
  readonly expected: readonly Pane[];
  readonly late: readonly Late[];
}

export interface Pane {
  readonly after: number;
  readonly key: string;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly values: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export interface Late {
  readonly after: number;
  readonly key: string;
  readonly ts: number;
  readonly value: number;
}
