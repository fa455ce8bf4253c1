/**
 * From the push of a lone record into an async iterable to the sink's callback, through filter and map. Each record
 * waits until the one before came out and the event loop has gone round, so that the job is asleep when it comes.
 * By hand: a `for await` loop that calls the same functions.
 */
import { setImmediate } from "node:timers/promises";
import { forEach, fromAsyncIterable, pipeline } from "../../src/index.ts";
import type { Outcome } from "../benchmark.ts";
import { quantile } from "../compare.ts";

interface Reading {
  readonly id: number;
  readonly celsius: number;
}

/** What a record goes through before the clock counts: code that was compiled, caches that are warm. */
const WARM_UP = 10_000;
const PUSHES = 10_000;

const isWarm = (r: Reading): boolean => r.celsius > 0;
const toFahrenheit = (r: Reading) => ({ id: r.id, fahrenheit: r.celsius * 1.8 + 32 });

/** An async iterable that is pushed into. */
class Feed<T> implements AsyncIterable<T>, AsyncIterator<T> {
  private waiting: ((step: IteratorResult<T>) => void) | null = null;

  push(value: T): void {
    this.give({ done: false, value });
  }

  end(): void {
    this.give({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this;
  }

  private give(step: IteratorResult<T>): void {
    const { waiting } = this;
    if (waiting === null) throw new Error("Nobody waits for the record: the one before was not dealt with");
    this.waiting = null;
    waiting(step);
  }
}

type Sink = (record: { id: number; fahrenheit: number }) => void;

async function ours(feed: Feed<Reading>, sink: Sink): Promise<void> {
  const app = pipeline("latency");
  app.source(fromAsyncIterable(feed)).filter(isWarm).map(toFahrenheit).to(forEach(sink));
  await app.run();
}

async function byHand(feed: Feed<Reading>, sink: Sink): Promise<void> {
  for await (const reading of feed) {
    if (isWarm(reading)) sink(toFahrenheit(reading));
  }
}

/** Microseconds per push. */
async function measure(run: (feed: Feed<Reading>, sink: Sink) => Promise<void>): Promise<number[]> {
  const feed = new Feed<Reading>();
  const times: number[] = [];
  let pushedAt = 0;
  let arrived: (id: number) => void = () => {};
  const done = run(feed, ({ id }) => {
    times.push((performance.now() - pushedAt) * 1000);
    arrived(id);
  });
  await setImmediate();
  for (let i = 0; i < WARM_UP + PUSHES; i++) {
    const arrival = new Promise<number>((resolve) => {
      arrived = resolve;
    });
    const reading = { id: i, celsius: 1 + (i % 40) };
    pushedAt = performance.now();
    feed.push(reading);
    const id = await arrival;
    if (id !== i) throw new Error(`Record ${id} came out, not ${i}`);
    await setImmediate();
  }
  feed.end();
  await done;
  if (times.length !== WARM_UP + PUSHES)
    throw new Error(`${times.length} records came out of ${WARM_UP + PUSHES}`);
  return times.slice(WARM_UP);
}

export async function latency(): Promise<Outcome> {
  const facts = (times: readonly number[]) => ({
    p50Us: round(quantile(times, 0.5)),
    p99Us: round(quantile(times, 0.99)),
    maxUs: round(quantile(times, 1)),
  });
  const mine = facts(await measure(ours));
  const hand = facts(await measure(byHand));
  return {
    json: {
      ...mine,
      byHandP50Us: hand.p50Us,
      byHandP99Us: hand.p99Us,
      byHandMaxUs: hand.maxUs,
      pushes: PUSHES,
    },
    lines: [
      `p50 ${mine.p50Us} us, p99 ${mine.p99Us} us, greatest ${mine.maxUs} us`,
      `by hand: p50 ${hand.p50Us} us, p99 ${hand.p99Us} us, greatest ${hand.maxUs} us`,
    ],
  };
}

const round = (us: number): number => Math.round(us * 10) / 10;
