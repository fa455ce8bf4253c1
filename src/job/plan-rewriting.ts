/**
 * A plan made anew, node by node, from its sinks up: see reprocess-plan.ts for what is changed on the way.
 */
import type { Change, Sink, Source } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import { watermarkStrategy } from "../core/watermark.ts";
import { carriesChanges, panesPort } from "../plan/changelog.ts";
import type { Input, KeyByNode, PlanNode, SinkNode, SourceNode, WindowNode } from "../plan/node.ts";
import { LateReplay } from "./late-replay.ts";
import type { TimeRange } from "./time-range.ts";

/** "inside": results of windows in the range; "across": of those that reach over a border. */
export type Part = "inside" | "across";

/** What is counted as the plan runs. */
export interface Seen {
  /** Results of windows that reach over a border. */
  across: number;
  /** The least timestamp of the history. */
  earliest: number | null;
}

export class PlanRewriting {
  /** Inputs before what reads them. */
  readonly nodes: PlanNode[] = [];
  readonly replays: LateReplay[] = [];
  readonly seen: Seen = { across: 0, earliest: null };
  readonly #range: TimeRange;
  readonly #needed: ReadonlyMap<PlanNode, TimeRange>;
  readonly #logs: ReadonlyMap<WindowNode, readonly SinkNode[]>;
  readonly #names = new Set<string>();
  readonly #made = new Map<string, Map<PlanNode, Input>>();

  constructor(
    range: TimeRange,
    needed: ReadonlyMap<PlanNode, TimeRange>,
    logs: ReadonlyMap<WindowNode, readonly SinkNode[]>,
  ) {
    this.#range = range;
    this.#needed = needed;
    this.#logs = logs;
  }

  sink(node: SinkNode, part: Part, sink: Sink<unknown>): void {
    this.#add<SinkNode>({ ...node, input: this.#partOf(node.input, part), sink });
  }

  #add<N extends PlanNode>(node: N): N {
    let { name } = node;
    for (let n = 2; this.#names.has(name); n++) name = `${node.name}-${n}`;
    this.#names.add(name);
    const added = { ...node, name };
    this.nodes.push(added);
    return added;
  }

  /** What `make` gives, once for each. */
  #once(what: string, node: PlanNode, make: () => Input): Input {
    let made = this.#made.get(what);
    if (made === undefined) this.#made.set(what, (made = new Map()));
    let input = made.get(node);
    if (input === undefined) made.set(node, (input = make()));
    return input;
  }

  /** Of the results that come in, those of a part. */
  #partOf(input: Input, part: Part): Input {
    const { node, port } = input;
    if (node.kind !== "window" && node.kind !== "changelog")
      return {
        node: this.#once(part, node, () => this.#copy(node, (i) => this.#partOf(i, part))).node,
        port,
      };
    return this.#once(`${part} ${port}`, node, () => {
      const isChange = carriesChanges(input);
      const filter = this.#filter(`${node.name}: ${part}`, this.#whole(input), this.#isIn(part, isChange));
      return { node: filter, port: 0 };
    });
  }

  #isIn(part: Part, isChange: boolean): (result: unknown) => boolean {
    const { from, to } = this.#range;
    const { seen } = this;
    return (result) => {
      const { windowStart, windowEnd } = (isChange ? (result as Change<Bounds>).row : result) as Bounds;
      const isInside = windowStart >= from && windowEnd <= to;
      const isAcross = !isInside && windowStart < to && windowEnd > from;
      if (part === "across") return isAcross;
      if (isAcross) seen.across += 1;
      return isInside;
    };
  }

  #whole({ node, port }: Input): Input {
    const made = this.#once("whole", node, () => {
      const whole = (input: Input): Input => this.#whole(input);
      switch (node.kind) {
        case "source":
          return this.#source(node);
        case "window":
          return this.#copy(firesOnce(node), (input) => this.#windowInput(node, input));
        case "changelog":
          return this.#copy(node, (input) => panesOf(whole(input)));
        default:
          return this.#copy(node, whole);
      }
    });
    return node.kind === "source" ? made : { node: made.node, port };
  }

  #copy(node: PlanNode, inputOf: (input: Input) => Input): Input {
    const copy =
      node.kind === "union"
        ? { ...node, inputs: node.inputs.map(inputOf) }
        : { ...(node as Exclude<PlanNode, SourceNode>), input: inputOf((node as KeyByNode).input) };
    return { node: this.#add(copy as PlanNode), port: 0 };
  }

  #filter(name: string, input: Input, fn: (value: unknown, timestamp: number) => boolean): PlanNode {
    return this.#add({ kind: "filter", name, input, fn, timed: true, onError: "fail" });
  }

  #source(node: SourceNode): Input {
    const source = historyOf(node);
    const added = { node: this.#add<SourceNode>({ ...node, source }), port: 0 };
    if (node.timestamp === undefined) return added;
    const { from, to } = this.#needed.get(node) as TimeRange;
    const { seen } = this;
    const filter = this.#filter(`${node.name}: range`, added, (_, time) => {
      if (seen.earliest === null || time < seen.earliest) seen.earliest = time;
      return time >= from && time < to;
    });
    return { node: filter, port: 0 };
  }

  /** The keyed input of a window: with its late records. */
  #windowInput(window: WindowNode, { node: keyBy, port }: Input): Input {
    const logs = this.#logs.get(window);
    if (logs === undefined) return this.#whole({ node: keyBy, port });
    const replay = new LateReplay(
      logs.map(({ sink }) => sink),
      this.#needed.get(window) as TimeRange,
    );
    this.replays.push(replay);
    return this.#copy(keyBy, (input) => {
      const history = this.#filter(`${window.name}: history`, this.#whole(input), replay.ofHistory);
      const inputs = [history, this.#lateRecords(window, replay)].map((node) => ({ node, port: 0 }));
      return { node: this.#add({ kind: "union", name: `${window.name}: with late`, inputs }), port: 0 };
    });
  }

  #lateRecords(window: WindowNode, replay: LateReplay): PlanNode {
    const source = this.#add<SourceNode>({
      kind: "source",
      name: `${window.name}: late`,
      source: replay.source,
      timestamp: (record) => (record as { timestamp: number }).timestamp,
      watermark: watermarkStrategy("none"),
      onError: "fail",
    });
    const news = this.#filter(`${window.name}: missing`, { node: source, port: 0 }, replay.ofLog);
    return this.#add({
      kind: "map",
      name: `${window.name}: values`,
      input: { node: news, port: 0 },
      fn: (record) => (record as { value: unknown }).value,
      onError: "fail",
    });
  }
}

/** It has one result, with everything: time stands still until the end of the input, and early panes would say less. */
function firesOnce(window: WindowNode): WindowNode {
  const { kind } = window.windows;
  if (kind === "count" || kind === "global") return window;
  return { ...window, trigger: null, latenessMs: 0, finalOnly: false };
}

/** The panes of a window as its changelog reads them. */
const panesOf = ({ node }: Input): Input => ({ node, port: panesPort(node as WindowNode) });

interface Bounds {
  readonly windowStart: number;
  readonly windowEnd: number;
}

/** @throws PIPELINE_INVALID */
function historyOf({ name, source, timestamp }: SourceNode): Source<unknown> {
  const history = source.history?.() ?? source;
  const refuse = (why: string): never => {
    throw new MillraceError(
      "PIPELINE_INVALID",
      `${name}, ${source.description}, can't be read again: ${why}`,
    );
  };
  if (timestamp === "clock")
    refuse("its records have the time at which they were taken, and would get another");
  if (!history.bounded)
    refuse(
      "it has no end, and does not tell what it has given so far. Give generator a count, or a source of its past",
    );
  if (history.replayable !== true)
    refuse("it gives its records only once. Keep them in a file, and give ndjson of that");
  return history;
}
