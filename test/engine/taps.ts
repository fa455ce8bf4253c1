/** A source whose partitions a test fills, and a machine whose clock the test moves. */
import { setImmediate as soon } from "node:timers/promises";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import type { Partition, Source, SourceContext } from "../../src/index.ts";

/** One partition. It outlives the runs of a job: its position is an index. */
export class Tap<T> {
  readonly records: T[] = [];
  /** Polls that were answered, also those that gave nothing. */
  polls = 0;
  /** Records that the last run handed over, with those before its start. */
  taken = 0;
  /** It has more than it can give now. */
  lags = false;
  /** It fails, once each, when a run has handed over so many of all records. */
  readonly failsAt: number[] = [];
  /** Malformed inputs that come before its next record. */
  malformed = 0;
  /** Its word on time. */
  watermark: number | undefined;
  wake: () => void = () => {};
  private isEnded = false;

  push(...records: T[]): void {
    this.records.push(...records);
    this.wake();
  }

  tell(watermark: number): void {
    this.watermark = watermark;
    this.wake();
  }

  spoil(): void {
    this.malformed += 1;
    this.wake();
  }

  end(): void {
    this.isEnded = true;
    this.wake();
  }

  open(id: string, { wake, positions, reject }: SourceContext, perPoll: () => number): Partition<T> {
    this.wake = wake;
    let at = (positions?.get(id) as number | undefined) ?? 0;
    let first = at;
    const tap = this;
    return {
      id,
      poll(into, from, max) {
        tap.polls += 1;
        if (tap.failsAt[0] !== undefined && tap.failsAt[0] <= at) {
          tap.failsAt.shift();
          throw new Error("the line is dead");
        }
        for (; tap.malformed > 0; tap.malformed--) reject(id, { offset: at, reason: "it makes no sense" });
        first = at;
        const end = Math.min(at + Math.min(max, perPoll()), tap.records.length);
        for (; at < end; at++) into[from + at - first] = tap.records[at];
        tap.taken = at;
        // What is left is there now, but for a poll of its own.
        if (at < tap.records.length) wake();
        return at - first;
      },
      get ended() {
        return tap.isEnded && at === tap.records.length;
      },
      get caughtUp() {
        return !tap.lags && at === tap.records.length;
      },
      get watermark() {
        return tap.watermark as number;
      },
      locate: (index) => ({
        offset: first + index,
        bytes: Buffer.from(JSON.stringify(tap.records[first + index])),
      }),
      position: (index) => first + index,
      close: async () => {},
    };
  }
}

export interface Taps<T> {
  readonly source: Source<T>;
  readonly taps: readonly Tap<T>[];
}

/**
 * @param perPoll records that a poll gives at most
 * @param bounded the test ends all of them: they are merged by timestamp
 */
export function taps<T>(
  partitions: number,
  perPoll: () => number = () => Number.POSITIVE_INFINITY,
  bounded = false,
): Taps<T> {
  const all = Array.from({ length: partitions }, () => new Tap<T>());
  return {
    taps: all,
    source: {
      description: `taps(${partitions})`,
      bounded,
      replayable: true,
      open: async (context) => all.map((tap, i) => tap.open(String(i), context, perPoll)),
    },
  };
}

/** Lets a loop do what it can do without time passing. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await soon();
}

/** A clock that moves when the test says so, and timers that run out by it. */
export class ManualClock {
  now: number;
  /** When each timer that runs is over. */
  readonly timers = new Map<() => void, number>();
  readonly ports: Ports;

  constructor(startMs = 0) {
    this.now = startMs;
    this.ports = {
      ...systemPorts,
      clock: { now: () => this.now, monotonic: () => this.now },
      timers: {
        after: (ms, callback) => {
          const run = (): void => callback();
          this.timers.set(run, this.now + ms);
          return () => this.timers.delete(run);
        },
        yield: () => soon() as Promise<void>,
      },
    };
  }

  /** Time passes, and the loop does what that leads to. */
  async advance(ms: number): Promise<void> {
    await settled();
    this.now += ms;
    for (const [run, at] of this.timers) {
      if (at > this.now) continue;
      this.timers.delete(run);
      run();
    }
    await settled();
  }
}
