/**
 * process(): a user's functions over the records and timers of each key.
 *
 * A record or a timer is one step, whose changes are committed together when the function is through (process-step.ts).
 * States are in process-value.ts, -list.ts and -map.ts, their TTL in process-life.ts, timers in process-timers.ts.
 *
 * Order: a record sees the watermark before it. Then the watermark advances: due timers of event time fire in the order
 * of (time, key, name), those that are set meanwhile and due as well included; while one fires the watermark is taken to
 * stand at its time, since how far it advances at once hangs on the batch (INV-1). Then what has expired is removed.
 * Timers of processing time fire when the clock ticks, before the turn's first record; none fires after the end.
 *
 * A record is never too late: what it gives may be, further down.
 */
import type { Key, Token } from "../core/key.ts";
import type { OwnedTable } from "../state/owned-table.ts";
import type { Table } from "../state/table.ts";
import type { ValueCell } from "../state/value-cell.ts";
import type { Head, HeadPorts, StepLoop } from "./contract.ts";
import type { LifeOptions, LifePorts, StateLife } from "./process-life.ts";
import type { ListPorts } from "./process-list.ts";
import type { MapPorts } from "./process-map.ts";
import type { Refusals } from "./process-refusals.ts";
import type { KeptState, StatePorts, Step } from "./process-step.ts";
import type { StepTimers, TimerOptions, TimerPorts } from "./process-timers.ts";
import type { ValuePorts } from "./process-value.ts";

/** A declared state and where it is kept. */
export type StateOptions = {
  readonly name: string;
  readonly life: LifeOptions | null;
} & (
  | { readonly kind: "value"; readonly table: Table<ValueCell>; readonly initial: ValuePorts["initial"] }
  | { readonly kind: "list"; readonly table: OwnedTable<ValueCell>; readonly isRead: boolean }
  | { readonly kind: "map"; readonly table: OwnedTable<ValueCell>; readonly touches: MapPorts["touches"] }
);

export interface ProcessPorts extends HeadPorts {
  readonly keyOf: (value: unknown) => unknown;
  readonly tokenOf: (key: unknown) => Token;
  readonly keyOfToken: (token: Token) => Key;
  readonly isTokenBefore: (a: Token, b: Token) => boolean;
  readonly copyOf: (value: unknown) => unknown;
  readonly onRecord: (value: unknown, context: unknown) => unknown;
  readonly onTimer: (timer: unknown, context: unknown) => unknown;
  readonly states: readonly StateOptions[];
  readonly timers: TimerOptions;
  /** Output ports by name. */
  readonly portOf: ReadonlyMap<string, number>;
  /** A step may fail without ending the job. */
  readonly mayFail: boolean;
  readonly refusals: Refusals;
  readonly MISS: unknown;
  // Made anew with the head:
  readonly stepLoop: StepLoop;
  readonly valueState: (ports: ValuePorts) => KeptState;
  readonly listState: (ports: ListPorts) => KeptState;
  readonly mapState: (ports: MapPorts) => KeptState;
  readonly stateLife: (ports: LifePorts) => StateLife;
  readonly stepTimers: (ports: TimerPorts) => StepTimers;
}

export function processHead(ports: ProcessPorts): Head {
  const { inputs, emit, sides, mark, full, begin, fail, position, counts, clock, NONE, IDLE, MISS } = ports;
  const { keyOf, tokenOf, keyOfToken, isTokenBefore, onRecord, onTimer, portOf, refusals } = ports;
  const { event, processing } = ports.timers;
  const input = inputs[0];
  const { keeper } = ports.timers.table;
  const cold = keeper !== null && keeper.cold;
  const sequence = { next: 0 };

  const step: Step = {
    n: 1,
    token: 0,
    timestamp: Number.NaN,
    eventTime: Number.NaN,
    watermark: Number.NEGATIVE_INFINITY,
    missed: false,
  };
  const timers = ports.stepTimers({ ...ports.timers, step, tokenOf, timeOf: refusals.timeOf });

  // Who may change a value in place must not change what is to be written down, or to be seen again.
  const mayMutate = keeper === null && !ports.mayFail;
  const give = mayMutate ? (value: unknown) => value : ports.copyOf;
  const lives = ports.states.map(({ life }) =>
    life === null ? null : ports.stateLife({ ...life, step, clock, begin }),
  );
  const states = ports.states.map((state, i): KeptState => {
    const common: StatePorts = { step, life: lives[i], give };
    if (state.kind === "value") return ports.valueState({ ...common, ...state, life: lives[i] });
    if (state.kind === "list") return ports.listState({ ...common, ...state, life: lives[i], sequence });
    return ports.mapState({ ...common, ...state, life: lives[i], tokenOf, keyOfToken, isTokenBefore });
  });
  const expiring = states.flatMap((state, i) => {
    const life = lives[i];
    return life === null ? [] : [{ state, life }];
  });

  /** What the step at hand gives. */
  const given: { value: unknown; timestamp: number; port: number }[] = [];
  let givenCount = 0;

  /** The last watermark that was dealt with, and the last tick. */
  let reached = Number.NEGATIVE_INFINITY;
  let ticked = Number.NEGATIVE_INFINITY;
  /** Timers fired since their times last moved on, after the end of the input all of them; and how many there may be. */
  let firings = 0;
  let mostFirings = 0;
  let furthest = Number.NEGATIVE_INFINITY;

  function collect(port: number, value: unknown, timestamp: unknown): void {
    const at = timestamp === undefined ? step.timestamp : refusals.timestampOf(timestamp);
    if (givenCount === given.length) given.push({ value, timestamp: at, port });
    const one = given[givenCount++];
    one.value = value;
    one.timestamp = at;
    one.port = port;
  }

  const context = {
    state: Object.fromEntries(ports.states.map(({ name }, i) => [name, states[i].handle])),
    timers: timers.handle,
    get key() {
      return keyOfToken(step.token);
    },
    get timestamp() {
      return step.timestamp;
    },
    get watermark() {
      return step.watermark;
    },
    get time() {
      return clock.tick;
    },
    emit(value: unknown, timestamp?: number) {
      collect(0, value, timestamp);
    },
    output(name: string, value: unknown, timestamp?: number) {
      collect(portOf.get(name) ?? refusals.noOutput(name), value, timestamp);
    },
  };

  /** Calls the user's function for the record or timer, and commits what it did. False where it failed. */
  function act(subject: unknown, timer: { readonly isEvent: boolean } | null): boolean {
    step.n += 1;
    step.missed = false;
    givenCount = 0;
    try {
      const returned = timer === null ? onRecord(subject, context) : onTimer(subject, context);
      if (returned !== undefined) refusals.promise(returned);
    } catch (error) {
      if (step.missed) throw MISS;
      // Of what it did nothing remains.
      step.n += 1;
      fail(1, error, timer === null ? subject : { key: keyOfToken(step.token), ...(subject as object) });
      return false;
    }
    if (step.missed) throw MISS;
    for (const state of states) state.prepare();
    timers.prepare();
    for (const state of states) state.commit();
    if (timer !== null) timers.spend(timer.isEvent);
    timers.commit();
    for (let i = 0; i < givenCount; i++) {
      const { value, timestamp, port } = given[i];
      given[i].value = undefined;
      counts[8 + port] += 1;
      if (port === 0) emit(value, timestamp);
      else sides[port - 1](value, timestamp);
    }
    return true;
  }

  function record(value: unknown, timestamp: number): void {
    try {
      step.token = tokenOf(keyOf(value));
    } catch (error) {
      fail(0, error, value);
      return;
    }
    step.timestamp = timestamp;
    step.eventTime = timestamp;
    act(value, null);
  }

  function wantDue(heap: typeof event, to: number): void {
    heap.forSomeDue(to, (token, name) => {
      timers.wantOne(token, name);
      for (const state of states) state.wantDue(token);
    });
  }

  /** Deals with what is due, timer after timer. False when an output is full: call again with the same `to`. */
  function fireDue(isEvent: boolean, to: number): boolean {
    const heap = isEvent ? event : processing;
    while (heap.size > 0 && heap.next <= to) {
      if (full()) return false;
      begin();
      const time = heap.next;
      step.token = heap.nextToken;
      if (cold && ports.timers.table.held(step.token) === undefined) wantDue(heap, to);
      const name = heap.nextName;
      if (!timers.isDue(isEvent)) continue;
      step.timestamp = time;
      step.eventTime = time;
      if (isEvent && time > step.watermark) step.watermark = time;
      else if (!isEvent && step.watermark !== Number.NEGATIVE_INFINITY) step.eventTime = step.watermark;
      if (firings === 0 || (time > furthest && to !== Number.POSITIVE_INFINITY)) {
        furthest = time;
        firings = 0;
        mostFirings = 1e6 + 1000 * heap.size;
      }
      const timer = { name, time, domain: isEvent ? "event" : "processing" };
      if (!act(timer, { isEvent })) {
        timers.spend(isEvent);
        timers.commit();
        counts[6] += 1;
      }
      counts[5] += 1;
      firings += 1;
      if (firings > mostFirings) refusals.endless(firings);
    }
    firings = 0;
    furthest = Number.NEGATIVE_INFINITY;
    return true;
  }

  function sweep(isEvent: boolean, now: number): void {
    for (const { state, life } of expiring)
      if (life.isEvent === isEvent && life.next() <= now)
        life.sweep(now, state, (values) => {
          counts[7] += values;
        });
  }

  function advance(to: number): boolean {
    // After a restart the loop begins with the watermark that was reached before.
    if (to <= reached) return true;
    if (!fireDue(true, to)) return false;
    step.watermark = to;
    sweep(true, to);
    reached = to;
    mark(to);
    return true;
  }

  function tick(to: number): boolean {
    position.ordinal = Number.NEGATIVE_INFINITY;
    if (!fireDue(false, to)) return false;
    sweep(false, to);
    ticked = to;
    return true;
  }

  const loop = ports.stepLoop(ports, record, advance);
  const hasEnded = (): boolean => reached === Number.POSITIVE_INFINITY;

  return {
    run() {
      if (clock.tick > ticked && !hasEnded() && !tick(clock.tick)) return false;
      return loop();
    },

    nextTick() {
      if (hasEnded()) return Number.POSITIVE_INFINITY;
      let next = processing.next;
      for (const { life } of expiring) if (!life.isEvent) next = Math.min(next, life.next());
      return next;
    },

    prefetch(maxRows) {
      if (!cold) return;
      let left = maxRows;
      for (let i = 0; i < input.n && left > 0; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        try {
          const token = tokenOf(keyOf(value));
          for (const state of states) left -= state.want(token, value);
          left -= timers.want(token);
        } catch {
          // A record that can't be taken is dealt with when its turn comes.
        }
      }
    },

    save: () => [reached, ticked, sequence.next],

    restore(saved) {
      reached = saved[0];
      step.watermark = reached;
      ticked = saved[1];
      sequence.next = saved[2];
    },
  };
}
