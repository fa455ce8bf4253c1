/**
 * Programs with durable state for tests of the command line. The job counts numbers: sessions of 50 users, windows of 7
 * pages. Number i happens at 10 i ms.
 */
import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { program, root } from "./millrace.ts";

export type Backend = "memory" | "rocksdb";

const rocksdb = pathToFileURL(join(root, "src/state/rocksdb/index.ts")).href;

export interface DurableJob {
  readonly backend?: Backend;
  readonly directory?: string;
  readonly name?: string;
  /** Numbers in all; Infinity for a job that doesn't end. */
  readonly count?: number;
  /** It stops itself in the turn in which it has read this many: at 4096, as turns are that long. */
  readonly stopAt?: number;
  readonly gap?: string;
  readonly window?: string;
  readonly source?: string;
  /** When epochs end: by default only where the job stops, so that nothing hangs on the time that it takes. */
  readonly commit?: string;
  /** Further options of the pipeline. */
  readonly options?: string;
}

/** Writes the program. It runs its pipeline itself, and writes sessions.ndjson and prints nothing. */
export function durableProgram(cwd: string, file: string, job: DurableJob = {}): string {
  const { backend = "memory", directory = "state", name = "visits", count = 10_000, stopAt = -1 } = job;
  const { gap = "3s", window = "pages", source = "numbers" } = job;
  const { commit = '{ every: "1h" }', options = "" } = job;
  const limit = Number.isFinite(count) ? `{ count: ${count} }` : "{}";
  return program(
    cwd,
    file,
    `import { rocksdb } from ${JSON.stringify(rocksdb)};
const stop = new AbortController();
const state = ${backend === "memory" ? "m.memory" : "rocksdb"}(${JSON.stringify(directory)});
const app = m.pipeline(${JSON.stringify(name)}, { state, commit: ${commit}, ${options} });
const numbers = app
  .source(m.generator((i) => ({ i, user: \`u\${i % 50}\`, page: i % 7, at: i * 10 }), ${limit}), {
    name: ${JSON.stringify(source)}, timestamp: (r) => r.at, watermark: { maxOutOfOrderness: "1s" },
  })
  .peek((r) => { if (r.i === ${stopAt}) stop.abort(); });
numbers.keyBy((r) => r.user).window(m.session(${JSON.stringify(gap)}), { name: "sessions" }).aggregate(m.count())
  .to(m.ndjsonFile("sessions.ndjson"), { name: "out" });
numbers.keyBy((r) => r.page).window(m.tumbling("10s"), { name: ${JSON.stringify(window)} }).aggregate(m.count())
  .to(m.forEach(() => {}), { name: "shown" });
await app.run({ signal: stop.signal });`,
  );
}

/** What a folder holds: each file's path with its bytes and when it was changed. */
export function contentOf(folder: string): string[] {
  return globSync("**", { cwd: folder })
    .sort()
    .map((path) => {
      const { mtimeMs, size } = statSync(join(folder, path));
      const isFile = statSync(join(folder, path)).isFile();
      const bytes = isFile
        ? createHash("sha256")
            .update(readFileSync(join(folder, path)))
            .digest("hex")
        : "";
      return `${path} ${mtimeMs} ${isFile ? size : ""} ${bytes}`;
    });
}
