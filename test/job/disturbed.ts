/** A job that keeps state and is disturbed on its way: it fails and starts by itself again, is stopped, and goes on. */
import type { Pipeline } from "../../src/index.ts";
import type { Feed } from "./feed.ts";
import { until } from "./until.ts";

export interface Disturbances {
  /** After so many records the source fails; places behind the last record don't count. */
  readonly failsAt: readonly number[];
  /** After so many it is stopped, once all of them are read. */
  readonly stopsAt: number;
}

/**
 * Runs the job over the items to the end of its input.
 *
 * @param app makes the pipeline anew, over the same feed, state and sinks; it has to start again after failures
 */
export async function runDisturbed<T>(
  app: () => Pipeline,
  feed: Feed<T>,
  items: readonly T[],
  { failsAt, stopsAt }: Disturbances,
): Promise<void> {
  const failures = failsAt.filter((at) => at < items.length).sort((a, b) => a - b);
  feed.failsAt.push(...failures.filter((at) => at < stopsAt));
  feed.push(...items.slice(0, stopsAt));
  const job = app().start({ handleSignals: false });
  let isOver = false;
  const ended = job.done.finally(() => {
    isOver = true;
  });
  ended.catch(() => {});
  await until(() => isOver || (feed.handed === feed.records.length && feed.failsAt.length === 0));
  if (isOver) await ended;
  await job.stop();
  feed.failsAt.push(...failures.filter((at) => at >= stopsAt));
  feed.push(...items.slice(stopsAt)).end();
  await app().run({ handleSignals: false });
}
