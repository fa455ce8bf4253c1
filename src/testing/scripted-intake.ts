/** An intake that takes what a test says, in the order in which it says it: the trace itself. */
import type { Source } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import { Intake } from "../runtime/intake.ts";
import type { PartitionState } from "../runtime/partition-state.ts";
import type { IntakeOptions, RecordOrigin, SourceIntake } from "../runtime/source-intake.ts";

/** One step of a trace. `partition` counts from 0 (default). */
export type TraceItem =
  | { readonly source: string; readonly partition?: number; readonly record: unknown }
  /** The partition says that no record below `watermark` follows. */
  | { readonly source: string; readonly partition?: number; readonly watermark: number }
  | { readonly source: string; readonly partition?: number; readonly end: true }
  /** Virtual time passes. */
  | { readonly advanceMs: number };

/** A source of so many partitions that never gives anything by itself. */
export function silentSource({ description, bounded }: Source<unknown>, partitions: number): Source<unknown> {
  return {
    description,
    bounded,
    open: async () =>
      Array.from({ length: partitions }, (_, i) => ({
        id: String(i),
        poll: () => 0,
        ended: false,
        caughtUp: true,
        locate: (index: number) => ({ offset: index }),
        close: async () => {},
      })),
  };
}

interface Place {
  readonly source: SourceIntake;
  readonly state: PartitionState;
}

export class ScriptedIntake extends Intake {
  readonly script: TraceItem[] = [];
  private readonly advanceClock: (ms: number) => void;
  /** Of this turn, by ordinal. */
  private readonly taken: { place: Place; offset: number }[] = [];
  private readonly offsets = new Map<PartitionState, number>();

  constructor(options: IntakeOptions, advanceClock: (ms: number) => void) {
    super(options);
    this.advanceClock = advanceClock;
  }

  override take(max: number): boolean {
    this.taken.length = 0;
    this.tick();
    for (let ordinal = 0; ordinal < max; ordinal++) {
      const item = this.script[0];
      if (item === undefined) break;
      // The clock moves between two turns only.
      if ("advanceMs" in item && ordinal > 0) break;
      this.script.shift();
      this.takeItem(item, ordinal);
      if ("advanceMs" in item) break;
    }
    return this.sources.some((source) => source.batch.n > 0);
  }

  override locate(ordinal: number): RecordOrigin | null {
    const found = this.taken[ordinal];
    if (found === undefined) return null;
    const { source, state } = found.place;
    return { source: source.node.name, partition: state.partition.id, origin: { offset: found.offset } };
  }

  private takeItem(item: TraceItem, ordinal: number): void {
    if ("advanceMs" in item) {
      this.advanceClock(item.advanceMs);
      this.tick();
      for (const { time } of this.sources) {
        time.followClock(ordinal);
        time.checkIdle(ordinal);
      }
      return;
    }
    const place = this.placeOf(item.source, item.partition ?? 0);
    const { source, state } = place;
    if ("watermark" in item) {
      source.time.tell(state, item.watermark, ordinal);
    } else if ("end" in item) {
      source.time.end(state, ordinal);
    } else {
      const offset = this.offsets.get(state) ?? 0;
      this.offsets.set(state, offset + 1);
      this.taken[ordinal] = { place, offset };
      source.time.excuse(state);
      source.takeOne(state, item.record, ordinal);
    }
  }

  private placeOf(name: string, partition: number): Place {
    const source = this.sources.find(({ node }) => node.name === name);
    const state = source?.partitions[partition];
    if (source === undefined || state === undefined) {
      const known = this.sources.map((s) => `${s.node.name} (${s.partitions.length} partitions)`).join(", ");
      throw new MillraceError(
        "OPTION_INVALID",
        `There is no partition ${partition} of source ${name}; there are ${known}`,
      );
    }
    if (state.ended)
      throw new MillraceError("OPTION_INVALID", `Partition ${partition} of source ${name} has ended`);
    return { source, state };
  }
}
