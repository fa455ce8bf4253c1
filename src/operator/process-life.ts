/**
 * The TTL of a state: until when a value lives, and how the expired ones are found.
 *
 * Every row says until when it lives, and reads look at that: a value is gone at its time, to the millisecond. What is
 * left of it is removed later, by an index: table "<state>#ttl", by time, one bucket per quarter of the TTL, in which
 * the keys stand that wrote something which lives until then. When a bucket's time is past, what has expired of its
 * keys is removed; what was renewed stands in a later bucket.
 *
 * Cost: a row of the index per key and quarter of a TTL in which it is written. Nothing of it has to stay in memory.
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { KeptState, Life, Step } from "./process-step.ts";

/** What a state's TTL is, and where its index. */
export interface LifeOptions {
  readonly index: Table<Cell>;
  readonly ttlMs: number;
  /** Width of a bucket. */
  readonly slotMs: number;
  /** Of event time, as the watermark tells it; else of processing time. */
  readonly isEvent: boolean;
}

export interface LifePorts extends LifeOptions {
  readonly step: Step;
  readonly clock: { readonly tick: number };
  readonly begin: () => void;
}

export interface StateLife extends Life {
  readonly isEvent: boolean;
  /** The time of the first bucket; +Infinity where there is none. */
  next(): number;
  /**
   * Removes what has expired at `now`, and goes on where a MISS cut it short.
   *
   * @param removed told how many values were
   */
  sweep(now: number, state: KeptState, removed: (values: number) => void): void;
}

/** Made anew per stage like a head: it uses its parameter and globals only. */
export function stateLife({ step, clock, begin, index, ttlMs, slotMs, isEvent }: LifePorts): StateLife {
  /** While nobody writes rows down they may be one. */
  const mark: Cell = { mark: 0 };
  /** The last bucket written to. It is not swept before it is of no use: what is written now lives on. */
  let bucket: Bucket<Cell> | null = null;

  let sweeping: Bucket<Cell> | null = null;
  let keys: Iterator<[Token, Cell]> | null = null;
  /** Its key is at hand until it is dealt with. */
  let atHand: IteratorResult<[Token, Cell]> | null = null;

  /** The next key of the bucket that is swept; undefined at its end. */
  function nextKey(state: KeptState): [Token, Cell] | undefined {
    for (;;) {
      if (keys === null) {
        begin();
        const rows = index.nextRows();
        if (rows === null) return undefined;
        keys = rows[Symbol.iterator]();
        const { keeper } = index;
        if (keeper !== null && keeper.cold) for (const [token] of rows) state.wantDue(token);
      }
      atHand ??= keys.next();
      if (atHand.done !== true) return atHand.value;
      atHand = null;
      keys = null;
    }
  }

  return {
    isEvent,

    now: () => (isEvent ? step.watermark : clock.tick),

    until: () => (isEvent ? Math.max(step.eventTime, step.watermark) : clock.tick) + ttlMs,

    register(token, until) {
      const time = Math.ceil(until / slotMs) * slotMs;
      if (bucket === null || bucket.time !== time) bucket = index.open(time);
      if (bucket.rows.get(token) === undefined)
        index.insert(bucket, token, index.keeper === null ? mark : { mark: 0 });
    },

    next: () => index.first?.time ?? Number.POSITIVE_INFINITY,

    sweep(now, state, removed) {
      for (let first = index.first; first !== undefined && first.time <= now; first = index.first) {
        if (sweeping !== first) {
          sweeping = first;
          index.walk(first);
        }
        for (let key = nextKey(state); key !== undefined; key = nextKey(state)) {
          begin();
          removed(state.expire(key[0], now));
          atHand = null;
        }
        index.dropFirst();
        sweeping = null;
      }
    },
  };
}
