/**
 * What the programs of process-program.ts give, computed by hand from docs/guides/process.md: plain lists, all timers
 * looked through at every step, nothing ever removed because it expired.
 */
import type { Output } from "../../src/testing/driver.ts";
import type { Action, Item, Program, Shown } from "./process-program.ts";
import { BOUND_MS } from "./process-program.ts";

interface Stored<V> {
  readonly value: V;
  readonly until: number;
}

interface KeyState {
  total: Stored<number> | undefined;
  items: Stored<number>[];
  seen: Map<number, Stored<number>>;
}

interface Due {
  readonly key: string;
  readonly name: string;
  readonly time: number;
  readonly isEvent: boolean;
}

export class Oracle {
  readonly shown: Output[] = [];
  readonly told: Output[] = [];
  failed = 0;
  fired = 0;
  failedTimers = 0;
  private readonly program: Program;
  private states = new Map<string, KeyState>();
  private timers: Due[] = [];
  /** What the user sees of the watermark, and how far it has come. */
  private seenWatermark = Number.NEGATIVE_INFINITY;
  private watermark = Number.NEGATIVE_INFINITY;
  private now = 0;
  private eventTime = Number.NaN;

  constructor(program: Program) {
    this.program = program;
  }

  run(): this {
    let greatest = Number.NEGATIVE_INFINITY;
    for (const item of this.program.trace) {
      if ("advanceMs" in item) {
        this.now += item.advanceMs;
        this.fire(false, this.now);
      } else if ("watermark" in item) {
        this.advance(item.watermark);
      } else if ("record" in item) {
        const record = item.record as Item;
        this.record(record);
        greatest = Math.max(greatest, record.at);
        this.advance(greatest - BOUND_MS);
      }
    }
    this.advance(Number.POSITIVE_INFINITY);
    return this;
  }

  private advance(to: number): void {
    if (to <= this.watermark) return;
    this.fire(true, to);
    this.watermark = to;
    this.seenWatermark = to;
  }

  private record(item: Item): void {
    this.eventTime = item.at;
    const given = { shown: [] as Output[], told: [] as Output[] };
    const done = this.attempt(item.key, given, () => {
      for (const action of item.actions) this.act(action, item, given);
    });
    if (!done) this.failed += 1;
  }

  /** Whether it went through; else nothing of it remains. */
  private attempt(key: string, given: { shown: Output[]; told: Output[] }, run: () => void): boolean {
    const before = { state: structuredClone(this.states.get(key)), timers: this.timers };
    try {
      run();
    } catch {
      if (before.state === undefined) this.states.delete(key);
      else this.states.set(key, before.state);
      this.timers = before.timers;
      return false;
    }
    this.shown.push(...given.shown);
    this.told.push(...given.told);
    return true;
  }

  private state(key: string): KeyState {
    let state = this.states.get(key);
    if (state === undefined) this.states.set(key, (state = { total: undefined, items: [], seen: new Map() }));
    return state;
  }

  private act(action: Action, { key, at }: Item, given: { shown: Output[]; told: Output[] }): void {
    const state = this.state(key);
    switch (action.do) {
      case "add":
        state.total = this.store("total", this.totalOf(key) + action.by);
        return;
      case "clear":
        if (action.what === "total") state.total = undefined;
        if (action.what === "items") state.items = [];
        if (action.what === "seen") state.seen.clear();
        return;
      case "append":
        state.items.push(this.store("items", action.value));
        return;
      case "put":
        state.seen.set(action.key, this.store("seen", action.value));
        return;
      case "bump":
        state.seen.set(action.key, this.store("seen", (this.entry(key, action.key) ?? 0) + 1));
        return;
      case "remove":
        state.seen.delete(action.key);
        return;
      case "timer":
        this.set(key, action.name, (action.isEvent ? at : this.now) + action.inMs, action.isEvent);
        return;
      case "cancel":
        this.timers = this.timers.filter((t) => t.key !== key || t.name !== action.name);
        return;
      case "show":
        given.shown.push({ value: this.show(key, "record"), timestamp: at });
        return;
      case "tell":
        given.told.push({ value: action.value, timestamp: at + action.value });
        return;
      case "throw":
        throw new Error("as the program says");
    }
  }

  private set(key: string, name: string, time: number, isEvent: boolean): void {
    this.timers = [
      ...this.timers.filter((t) => t.key !== key || t.name !== name),
      { key, name, time, isEvent },
    ];
  }

  private fire(isEvent: boolean, to: number): void {
    for (;;) {
      const [due] = this.timers
        .filter((t) => t.isEvent === isEvent && t.time <= to)
        .sort((a, b) => a.time - b.time || (a.key + a.name < b.key + b.name ? -1 : 1));
      if (due === undefined) return;
      this.timers = this.timers.filter((t) => t !== due);
      this.fired += 1;
      const { key, name, time } = due;
      this.eventTime = time;
      if (isEvent) this.seenWatermark = Math.max(this.seenWatermark, time);
      else if (this.seenWatermark > Number.NEGATIVE_INFINITY) this.eventTime = this.seenWatermark;
      const given = { shown: [] as Output[], told: [] as Output[] };
      const by = `${isEvent ? "event" : "processing"} ${name} ${time}`;
      const done = this.attempt(key, given, () => {
        given.shown.push({ value: this.show(key, by), timestamp: time });
        const total = this.totalOf(key);
        if (name === "a" && total > 0) {
          this.state(key).total = this.store("total", total - 1);
          this.set(key, "a", time + 2, isEvent);
        }
        if (name === "b") {
          this.state(key).items.push(this.store("items", time));
          if (total < 0) throw new Error("as the program says");
        }
      });
      if (!done) this.failedTimers += 1;
    }
  }

  private store<V>(state: keyof Program["ttls"], value: V): Stored<V> {
    const { ttls, ttlTime } = this.program;
    const ttl = ttls[state];
    if (ttl === null) return { value, until: Number.POSITIVE_INFINITY };
    const from = ttlTime === "event" ? Math.max(this.eventTime, this.seenWatermark) : this.now;
    return { value, until: from + ttl };
  }

  private lives({ until }: Stored<unknown>): boolean {
    return until > (this.program.ttlTime === "event" ? this.seenWatermark : this.now);
  }

  private totalOf(key: string): number {
    const { total } = this.state(key);
    return total !== undefined && this.lives(total) ? total.value : 0;
  }

  private entry(key: string, entry: number): number | undefined {
    const found = this.state(key).seen.get(entry);
    return found !== undefined && this.lives(found) ? found.value : undefined;
  }

  private show(key: string, by: string): Shown {
    const { items, seen } = this.state(key);
    return {
      key,
      by,
      total: this.totalOf(key),
      items: items.filter((item) => this.lives(item)).map(({ value }) => value),
      seen: [...seen]
        .filter(([, entry]) => this.lives(entry))
        .sort(([a], [b]) => a - b)
        .map(([k, { value }]) => [k, value] as const),
      one: this.entry(key, 1) ?? null,
      watermark: this.seenWatermark,
      time: this.now,
    };
  }
}
