/**
 * The late records of a window, read from its log and counted where they belong.
 *
 * Problem: the history may have them as well (a file that the job read has them, an archive of what was accepted has not),
 * and none may count twice. Two records are the same if their JSON and their timestamps are equal; of each the window
 * gets as many as the one or the other has, whichever has more: the maximum of two multisets. It is taken as the records
 * come, in any order: one goes on if its side has now had more of the kind than have gone on.
 *
 * Memory: the log. Cost per record of the history: a look at its timestamp, and its JSON where the log has that.
 */
import type { LateRecord, Sink, Source } from "../connector/contract.ts";
import { encodeRecord } from "../connector/file/encode-record.ts";
import { fromIterable } from "../connector/iterable/source.ts";
import type { TimeRange } from "./time-range.ts";

/** Records that are the same. */
interface Kind {
  history: number;
  log: number;
  out: number;
}

export class LateReplay {
  /** Bounded; by timestamp, so that they come at their place among others that do. */
  readonly source: Source<LateRecord>;
  /** By timestamp, then by JSON. */
  readonly #kinds = new Map<number, Map<string, Kind>>();

  /** @param logs sinks that keep late records @param range of these, those that matter */
  constructor(logs: readonly Sink<unknown>[], range: TimeRange) {
    this.source = {
      description: logs.map(({ description }) => description).join(", "),
      bounded: true,
      replayable: true,
      open: async (context) => {
        const records: LateRecord[] = [];
        for (const log of logs)
          for (const record of (await log.lateRecords?.(context.ports)) ?? []) records.push(record);
        const wanted = records.filter(({ timestamp }) => timestamp >= range.from && timestamp < range.to);
        for (const record of wanted) this.#expect(record);
        wanted.sort((a, b) => a.timestamp - b.timestamp);
        return fromIterable(wanted).open(context);
      },
    };
  }

  #expect({ timestamp, value }: LateRecord): void {
    let kinds = this.#kinds.get(timestamp);
    if (kinds === undefined) this.#kinds.set(timestamp, (kinds = new Map()));
    const json = encodeRecord(value);
    if (!kinds.has(json)) kinds.set(json, { history: 0, log: 0, out: 0 });
  }

  /** Whether the record of the history goes on. */
  readonly ofHistory = (value: unknown, timestamp: number): boolean => {
    const kind = this.#kindOf(value, timestamp);
    return kind === undefined || moreOut(kind, ++kind.history);
  };

  /** Whether the record of the log goes on. */
  readonly ofLog = (record: unknown): boolean => {
    const { value, timestamp } = record as LateRecord;
    const kind = this.#kindOf(value, timestamp) as Kind;
    return moreOut(kind, ++kind.log);
  };

  /** At the end: records of the log that the history has not. */
  get added(): number {
    let added = 0;
    for (const kinds of this.#kinds.values())
      for (const { log, history } of kinds.values()) added += Math.max(0, log - history);
    return added;
  }

  #kindOf(value: unknown, timestamp: number): Kind | undefined {
    const kinds = this.#kinds.get(timestamp);
    if (kinds === undefined) return undefined;
    try {
      return kinds.get(encodeRecord(value));
    } catch {
      return undefined; // what can't be JSON can't be in the log
    }
  }
}

function moreOut(kind: Kind, had: number): boolean {
  if (had <= kind.out) return false;
  kind.out = had;
  return true;
}
