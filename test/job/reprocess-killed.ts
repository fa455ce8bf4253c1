/**
 * The reprocessing that is killed: sessions of many users, of which a late run has cut each in two, are one again. Run as
 * `reprocess-killed.ts FOLDER run|reprocess`; says "started" when it begins, and "ended" with what was corrected.
 */
import { join } from "node:path";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import { count, generator, pipeline, session } from "../../src/index.ts";

export const USERS = 20_000;
export const DATABASE = "out.db";

/** Of each user: the last one makes one session of the first two, and comes too late. */
const TIMES = [0, 12, 100, 6];
const visit = (i: number): { readonly user: number; readonly at: number } => ({
  user: i % USERS,
  at: TIMES[Math.floor(i / USERS)] as number,
});

if (process.argv[1] === import.meta.filename) {
  const [folder, what] = process.argv.slice(2);
  const app = pipeline("sessions");
  app
    .source(generator(visit, { count: TIMES.length * USERS }), { timestamp: ({ at }) => at })
    .keyBy(({ user }) => user)
    .window(session(7))
    .aggregate({ visits: count() })
    .to(sqliteTable<any>(join(folder, DATABASE), { table: "sessions", key: ["key", "windowStart"] }));
  process.stdout.write("started\n");
  const done =
    what === "run" ? [] : (await app.reprocess({ from: 0, to: 1000, handleSignals: false })).corrected;
  if (what === "run") await app.run({ handleSignals: false });
  process.stdout.write(`ended ${JSON.stringify(done)}\n`);
}
