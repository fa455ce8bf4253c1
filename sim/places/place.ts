/**
 * Where output goes: places that outlive the process, with what a reader of each sees now. Rows are texts, so that every
 * sink can hold whatever a pipeline computes.
 */
import type { Sink } from "../../src/connector/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Disk } from "../world/disk.ts";
import type { Life } from "../world/life.ts";

/** A row as a sink gets it; its lane names a folder where the sink has several. */
export interface OutRow {
  readonly row: string;
  readonly lane: string;
}

/** What a reader sees. */
export interface Visible {
  /** In order within each lane. */
  readonly lanes: ReadonlyMap<string, readonly string[]>;
  /** Lines that can't be read. */
  readonly broken: number;
}

export interface Place {
  /** Output of an epoch stays invisible until it is decided, if the job asks for that. */
  readonly transactional: boolean;
  /** What is visible of an epoch is complete once it was committed. */
  readonly wholeEpochs: boolean;
  /** For one life of the process. */
  sink(engine: Engine, life: Life): Sink<OutRow>;
  visible(exact: boolean): Visible;
  /** Another place that holds the same; its files are on the disk that is given. */
  copy(disk: Disk): Place;
}

/** What a place with one lane shows. */
export const oneLane = (rows: readonly string[], broken = 0): Visible => ({
  lanes: new Map([["", rows]]),
  broken,
});
