/**
 * The test driver: runs a pipeline in virtual time, record by record, without its real sources and sinks.
 *
 * @example
 * const t = await testDriver(app);
 * await t.push("orders", { user: "a", amount: 5, at: 0 });
 * await t.watermark("orders", 300_000);
 * t.take("revenue"); // [{ value: { key: "a", ... }, timestamp: 299999 }]
 */
import type { DeadLetter, Sink } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import { systemPorts } from "../core/ports.ts";
import type { Pipeline } from "../job/pipeline.ts";
import { inputsOf, type Plan, type PlanNode } from "../plan/node.ts";
import { Loop, type LoopOptions } from "../runtime/loop.ts";
import { type JobReport, reportOf } from "../runtime/report.ts";
import { memoryStore } from "../state/memory.ts";
import type { StateRow } from "../state/table.ts";
import { ScriptedIntake, silentSource, type TraceItem } from "./scripted-intake.ts";

export interface DriverOptions {
  /** Partitions by source name. Default 1 */
  readonly partitions?: { readonly [source: string]: number };
  readonly mode?: "streaming" | "batch";
  /** Default "on" */
  readonly codegen?: "on" | "off";
  /** Trace items per turn at the most. Default 4096 */
  readonly batchRecords?: number;
  /** Virtual milliseconds since 1970 at the beginning. Default 0 */
  readonly startMs?: number;
  /**
   * State over a backend, given up and loaded again: at every turn, at every step, or where it takes more than so many
   * bytes. Default: all in memory
   */
  readonly evict?: "every-turn" | "every-step" | { readonly cacheBytes: number };
  /** With `evict`: rows are asked for before a stage runs, not only when a read misses. Default true */
  readonly prefetch?: boolean;
  /** As the option of a pipeline. Default false */
  readonly deterministic?: boolean;
  /** Outputs look full every other time that an operator looks. Default false */
  readonly stall?: boolean;
  /** Called after each run of a stage's head. */
  readonly onRun?: LoopOptions["onRun"];
}

export interface Output {
  readonly value: unknown;
  readonly timestamp: number;
}

export class TestDriver {
  /** @internal */
  readonly loop: Loop;
  private readonly intake: ScriptedIntake;
  private readonly outputs: ReadonlyMap<string, Output[]>;
  private readonly letters: DeadLetter[];

  /** @internal */
  constructor(loop: Loop, outputs: ReadonlyMap<string, Output[]>, letters: DeadLetter[]) {
    this.loop = loop;
    this.intake = loop.intake as ScriptedIntake;
    this.outputs = outputs;
    this.letters = letters;
  }

  /** Takes one record of a source. */
  push(source: string, record: unknown, options: { readonly partition?: number } = {}): Promise<void> {
    return this.feed([{ source, record, ...options }]);
  }

  /** A partition of a source says that no record below `watermark` follows; +Infinity is the end of time. */
  watermark(source: string, watermark: number, options: { readonly partition?: number } = {}): Promise<void> {
    return this.feed([{ source, watermark, ...options }]);
  }

  /** Virtual time passes. */
  advance(ms: number): Promise<void> {
    return this.feed([{ advanceMs: ms }]);
  }

  /** Ends every partition that has not ended. */
  async end(): Promise<void> {
    const items = this.intake.sources.flatMap(({ node, partitions }) =>
      partitions.flatMap((state, partition): TraceItem[] =>
        state.ended ? [] : [{ source: node.name, partition, end: true }],
      ),
    );
    await this.feed(items);
  }

  /** Takes the items in their order, in turns of at most `batchRecords`. */
  async feed(items: readonly TraceItem[]): Promise<void> {
    this.intake.script.push(...items);
    while (this.intake.script.length > 0) await this.loop.turn();
  }

  /** What reached a sink since the last call. @throws OPTION_INVALID for an unknown name */
  take(sink: string): Output[] {
    const list = this.outputs.get(sink);
    if (list === undefined) {
      throw new MillraceError(
        "OPTION_INVALID",
        `There is no sink ${sink}; there are ${[...this.outputs.keys()].join(", ")}`,
      );
    }
    return list.splice(0);
  }

  takeDeadLetters(): DeadLetter[] {
    return this.letters.splice(0);
  }

  /** The rows in memory, of all operators or one. */
  state(operator?: string): StateRow[] {
    const tables = this.loop.stages.flatMap((stage) => stage.tables);
    return tables
      .filter((table) => operator === undefined || table.operator === operator)
      .flatMap((table) => [...table.stateRows()]);
  }

  report(): JobReport {
    return reportOf(this.loop);
  }

  close(): Promise<void> {
    return this.loop.close();
  }
}

/** A driver for a pipeline, its sources silent and its sinks recording. Sources and sinks are named as in `explain`. */
export async function testDriver(pipeline: Pipeline, options: DriverOptions = {}): Promise<TestDriver> {
  const outputs = new Map<string, Output[]>();
  const letters: DeadLetter[] = [];
  const clock = virtualClock(options.startMs ?? 0);
  const plan = withoutEnds(pipeline.plan(), options.partitions ?? {}, outputs, letters);
  const { evict, prefetch = true, deterministic = false, batchRecords, onRun, stall } = options;
  const loop = new Loop({
    plan,
    ports: clock.ports,
    batchMode: options.mode === "batch",
    generated: options.codegen !== "off",
    deterministic,
    cold: evict === undefined ? null : { store: memoryStore(), prefetch, evict },
    intake: (intakeOptions) => new ScriptedIntake(intakeOptions, clock.advance),
    ...(batchRecords === undefined ? {} : { batchRecords }),
    ...(onRun === undefined ? {} : { onRun }),
    ...(stall === undefined ? {} : { stall }),
  });
  await loop.open();
  return new TestDriver(loop, outputs, letters);
}

/** The plan with silent sources and recording sinks. */
function withoutEnds(
  plan: Plan,
  partitions: { readonly [source: string]: number },
  outputs: Map<string, Output[]>,
  letters: DeadLetter[],
): Plan {
  const replaced = new Map<PlanNode, PlanNode>();
  const swap = (node: PlanNode): PlanNode => {
    if (node.kind === "source")
      return { ...node, source: silentSource(node.source, partitions[node.name] ?? 1) };
    const inputs = inputsOf(node).map(({ node: from, port }) => ({
      node: replaced.get(from) as PlanNode,
      port,
    }));
    if (node.kind === "union") return { ...node, inputs };
    if (node.kind !== "sink") return { ...node, input: inputs[0] };
    const list: Output[] = [];
    outputs.set(node.name, list);
    return {
      ...node,
      input: inputs[0],
      sink: recordingSink((value, timestamp) => list.push({ value, timestamp })),
    };
  };
  const nodes = plan.nodes.map((node) => {
    const next = swap(node);
    replaced.set(node, next);
    return next;
  });
  const sink = recordingSink((value) => letters.push(value as DeadLetter));
  return { ...plan, nodes, deadLetters: plan.deadLetters === null ? null : { ...plan.deadLetters, sink } };
}

function recordingSink(record: (value: unknown, timestamp: number) => void): Sink<unknown> {
  return {
    description: "test driver",
    open: async () => ({
      write(values, timestamps, from, to) {
        for (let i = from; i < to; i++) record(values[i], timestamps[i]);
      },
      flush: async () => {},
      close: async () => {},
    }),
  };
}

/** Time that passes only when told to; no timer fires by itself. */
function virtualClock(startMs: number): { ports: Ports; advance(ms: number): void } {
  let now = startMs;
  return {
    ports: {
      ...systemPorts,
      clock: { now: () => now, monotonic: () => now },
      timers: { after: () => () => {}, yield: async () => {} },
    },
    advance(ms) {
      now += ms;
    },
  };
}
