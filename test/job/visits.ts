/** A job with windows and sessions over a feed, and what tests of its life need: waiting, folders, failures. */
import assert from "node:assert/strict";
import {
  count,
  type JobOptions,
  memory,
  MillraceError,
  pipeline,
  session,
  type StateBackend,
  sum,
  tumbling,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { scratch } from "./scratch.ts";

const folder = scratch();
let made = 0;
export const fresh = (): string => folder(`d${made++}`);

export interface Visit {
  readonly user: string;
  readonly ms: number;
  readonly at: number;
}

export const visit = (user: string, at: number, ms = 1): Visit => ({ user, at, ms });

export interface World {
  readonly feed: Feed<Visit>;
  readonly totals: Ledger<object>;
  readonly visits: Ledger<object>;
}

export const world = (): World => ({ feed: new Feed(), totals: new Ledger(), visits: new Ledger() });

/** Windows and sessions of visits, into two ledgers. Epochs end by number of records. */
export function visitsJob(
  { feed, totals, visits }: World,
  state: StateBackend,
  options: JobOptions = {},
  size = "10s",
) {
  const app = pipeline("visits", { state, commit: { every: "1h", records: 4 }, ...options });
  const visited = app.source(feed.source({ perPoll: 3 }), {
    name: "feed",
    timestamp: (v) => v.at,
    watermark: { maxOutOfOrderness: "2s" },
  });
  visited
    .keyBy((v) => v.user)
    .window(tumbling(size as "10s"), { name: "totals" })
    .aggregate({ visits: count(), ms: sum((v) => v.ms) })
    .to(totals.transactional(), { name: "totals out" });
  visited
    .keyBy((v) => v.user)
    .window(session("5s"), { name: "sessions" })
    .aggregate(count())
    .to(visits.transactional(), { name: "sessions out" });
  return app;
}

export const input: readonly Visit[] = Array.from({ length: 60 }, (_, i) =>
  visit(`u${(i * 7) % 5}`, 1000 * (i + (i % 3)) + (i % 11 > 8 ? 7000 : 0), i),
);

export const run = { handleSignals: false } as const;
export const key = (row: object): string => JSON.stringify(row);
export const bag = (ledger: Ledger<object>): string[] => ledger.visible.map(key).sort();

/** What an undisturbed run gives. */
export async function undisturbed(): Promise<{ totals: string[]; visits: string[] }> {
  const all = await undisturbedOn(memory);
  return { totals: bag(all.totals), visits: bag(all.visits) };
}

export async function undisturbedOn(backend: (directory: string) => StateBackend): Promise<World> {
  const all = world();
  all.feed.push(...input).end();
  await visitsJob(all, backend(fresh())).run(run);
  assert.ok(all.totals.visible.length > 10 && all.visits.visible.length > 5);
  return all;
}

export const failure = async (code: string, promise: Promise<unknown>): Promise<MillraceError> =>
  promise.then(
    () => assert.fail(`nothing failed with ${code}`),
    (error) => {
      assert.ok(error instanceof MillraceError, String(error));
      assert.equal(error.code, code, error.message);
      return error;
    },
  );

export const backends: readonly (readonly [string, (directory: string) => StateBackend])[] = [
  ["memory", memory],
  ["rocksdb", (directory) => rocksdb(directory, { cacheBytes: 1024 * 1024 })],
];
