/**
 * A pipeline and its input as plain data: what the property tests generate, what `bind` builds through the public API
 * and what the oracle evaluates. Nothing here knows how either of them works.
 */

type KeyPart = string | number | bigint | boolean;
export type RecordKey = KeyPart | readonly KeyPart[];

/** What a source gives. `id` is the running number of the record in the trace, `at` its timestamp. */
export interface Rec {
  readonly id: number;
  readonly key: RecordKey;
  readonly at: number;
  readonly value: number;
  /** Where its session is to have a gap of its own. */
  readonly gapMs?: number;
}

/** Whatever flows between steps: a `Rec`, a window result, or what a map made of them. */
export type Datum = { readonly [field: string]: unknown };

export interface SourceSpec {
  /** 1 to 3. */
  readonly partitions: number;
  /** Greatest timestamp of the partition minus the bound, or no progress but explicit watermarks and the end. */
  readonly watermark: { readonly boundMs: number } | "none";
}

/** The output of a source, or a port of an earlier step: branches in order; of a window 0 = results, 1 = late. */
export type Input = { readonly source: number } | { readonly step: number; readonly port: number };

export type MapName = "add1" | "negate" | "swapKey" | "oneKey" | "reshape";
export type PredicateName = "even" | "positive" | "textKey" | "third" | "always" | "never";
export type FlatMapName = "upToThree" | "twice" | "none";
export type KeyByName = "key" | "parity" | "pair" | "one";
export type AggregateName =
  | "count"
  | "sum"
  | "min"
  | "max"
  | "maxText"
  | "avg"
  | "exactSum"
  | "distinct"
  | "buckets"
  | "first"
  | "last"
  | "minBy"
  | "maxBy"
  | "collect"
  | "top1"
  | "top2"
  | "top3"
  /** All tags, sorted: a custom aggregate, for windows in which the order of arrival is not promised. */
  | "bag";

/** Windows whose bounds hang on the timestamp alone. */
export type FixedSpec =
  | { readonly type: "tumbling"; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly type: "sliding"; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | {
      readonly type: "cumulating";
      readonly maxSizeMs: number;
      readonly stepMs: number;
      readonly offsetMs: number;
    };

export type AssignerSpec =
  | FixedSpec
  /** With a maximum duration only for traces in which nothing is late. */
  | { readonly type: "session"; readonly gapMs: number; readonly maxDurationMs?: number }
  /** `gapOf` of each record. */
  | { readonly type: "sessionDynamic" }
  | { readonly type: "count"; readonly size: number; readonly slide: number }
  | { readonly type: "global" };

export type PaceSpec = { readonly count: number } | { readonly eventTimeMs: number };

export type TriggerSpec =
  | {
      readonly type: "onTime";
      readonly early?: PaceSpec;
      /** Default: each record. */
      readonly late?: PaceSpec;
    }
  | { readonly type: "repeatedly"; readonly pace: PaceSpec }
  | { readonly type: "atEnd" };

export interface WindowStep {
  readonly kind: "window";
  readonly input: Input;
  readonly keyBy: KeyByName;
  readonly assigner: AssignerSpec;
  readonly allowedLatenessMs: number;
  readonly discard: boolean;
  /** Default: the window's own firing; the global window has one. */
  readonly trigger?: TriggerSpec;
  /** Only without a trigger. */
  readonly finalOnly?: boolean;
  readonly aggregates: readonly { readonly field: string; readonly aggregate: AggregateName }[];
  /** `aggregate(count())` instead of `aggregate({ n: count() })`: the one aggregate's field is `value`. */
  readonly single: boolean;
}

export type Step =
  | { readonly kind: "map"; readonly input: Input; readonly fn: MapName }
  | { readonly kind: "filter"; readonly input: Input; readonly fn: PredicateName }
  | { readonly kind: "flatMap"; readonly input: Input; readonly fn: FlatMapName }
  | { readonly kind: "peek"; readonly input: Input }
  | {
      readonly kind: "branch";
      readonly input: Input;
      readonly predicates: readonly PredicateName[];
      /** One more port, behind those of the predicates, takes the rest. */
      readonly otherwise: boolean;
    }
  | { readonly kind: "union"; readonly inputs: readonly Input[] }
  | WindowStep;

export interface PipelineSpec {
  readonly sources: readonly SourceSpec[];
  /** A step takes its input from sources and from steps before it. */
  readonly steps: readonly Step[];
  readonly sinks: readonly { readonly name: string; readonly input: Input }[];
}

/** What happens at the inputs, in the order in which the engine takes it. The index is the item's ordinal. */
export type TraceItem = { readonly source: number; readonly partition: number } & (
  | { readonly record: Rec }
  | { readonly watermark: number }
  | { readonly end: true }
);
export type Trace = readonly TraceItem[];

export const sourceName = (index: number): string => `source${index}`;
export const stepName = (index: number): string => `step${index}`;

export function portsOf(step: Step): number {
  if (step.kind === "branch") return step.predicates.length + (step.otherwise ? 1 : 0);
  return step.kind === "window" ? 2 : 1;
}

export function inputsOf(step: Step): readonly Input[] {
  return step.kind === "union" ? step.inputs : [step.input];
}
