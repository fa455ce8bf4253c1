/**
 * What readers see while a job runs (INV-8). After every change on the disk a reader counts the records in the output,
 * and reads the newest manifest: nothing may be seen that is not of a decided epoch.
 */
import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Files, OutputFile, Ports } from "../../src/core/ports.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { count, files, forEach, memory, ndjsonFile, pipeline, type Sink, tumbling } from "../../src/index.ts";
import { inspectState } from "../../src/job/inspect-state.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Feed } from "./feed.ts";
import { scratch } from "./scratch.ts";

const folder = scratch();
let made = 0;

/** Calls `look` after every change of a file or a name. */
function watched(look: () => void): Ports {
  const files = systemPorts.files;
  const then = async <R>(change: Promise<R>): Promise<R> => {
    const result = await change;
    look();
    return result;
  };
  const output = async (opened: Promise<OutputFile>): Promise<OutputFile> => {
    const file = await then(opened);
    return {
      ...file,
      write: (data) => then(file.write(data)),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  };
  const watching: Files = {
    ...files,
    openWrite: (path) => output(files.openWrite(path)),
    openAppend: (path, size) => output(files.openAppend(path, size)),
    rename: (from, to) => then(files.rename(from, to)),
    remove: (path) => then(files.remove(path)),
  };
  return { ...systemPorts, files: watching };
}

interface Manifest {
  readonly manifest: {
    readonly body: { readonly sources: Record<string, { readonly records: number }> } | null;
  };
}

/** Records that the newest decided epoch has read. */
function decided(state: string): number {
  const newest = existsSync(state)
    ? readdirSync(state)
        .filter((name) => /^manifest-.*\.json$/.test(name))
        .sort()
        .at(-1)
    : undefined;
  if (newest === undefined) return 0;
  const { body } = (JSON.parse(readFileSync(join(state, newest), "utf8")) as Manifest).manifest;
  return body?.sources["feed"]?.records ?? 0;
}

const outputs: readonly {
  name: string;
  make: (root: string) => Sink<{ n: number }>;
  seen: (root: string) => number[];
}[] = [
  {
    name: "a file",
    make: (root) => ndjsonFile(join(root, "out.ndjson")),
    seen: (root) => numbersIn(join(root, "out.ndjson")),
  },
  {
    name: "part files",
    make: (root) => files(join(root, "parts"), { rollBytes: 64 }),
    seen: (root) =>
      globSync("parts/part-*.ndjson", { cwd: root })
        .sort()
        .flatMap((path) => numbersIn(join(root, path))),
  },
];

function numbersIn(path: string): number[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { n: number }).n);
}

describe("a reader of the state of a running job", () => {
  for (const [name, backend] of [
    ["memory", memory],
    ["rocksdb", rocksdb],
  ] as const) {
    test(`on ${name} sees the rows of the last decided epoch, and of none that is under way (INV-8)`, async () => {
      const directory = folder(`state-${name}`);
      const feed = new Feed<{ n: number }>();
      const app = pipeline("counted", { state: backend(directory), commit: { every: "1h" } });
      app
        .source(feed.source(), { name: "feed", timestamp: ({ n }) => n })
        .keyBy(({ n }) => n)
        .window(tumbling("1h"), { name: "counts" })
        .aggregate(count())
        .to(forEach(() => {}));
      const job = app.start({ handleSignals: false });
      const pushed = async (records: number): Promise<void> => {
        for (let n = feed.records.length; n < records; n++) feed.push({ n });
        while (feed.handed < records) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      const seen = async () => {
        const { epoch, sources, stores } = await inspectState(systemPorts.files, directory);
        return { epoch, records: sources[0]?.records, rows: stores[0]?.rows };
      };
      await pushed(3);
      await job.savepoint(folder(`first-${name}`));
      assert.deepEqual(await seen(), { epoch: 1, records: 3, rows: 3 });
      await pushed(8);
      assert.deepEqual(await seen(), { epoch: 1, records: 3, rows: 3 });
      await job.savepoint(folder(`second-${name}`));
      assert.deepEqual(await seen(), { epoch: 2, records: 8, rows: 8 });
      await job.stop();
    });
  }
});

describe("a reader of at-most-once output", () => {
  test("sees records of decided epochs only, each once (INV-8)", async () => {
    const root = folder("at-most-once");
    const state = join(root, "state");
    const out = join(root, "out.ndjson");
    const wrong: string[] = [];
    const look = (): void => {
      const found = numbersIn(out);
      const to = decided(state);
      if (found.some((n) => n >= to)) wrong.push(`${found.at(-1)} seen, ${to} decided`);
      if (found.some((n, i) => i > 0 && n <= found[i - 1])) wrong.push(`twice: ${found}`);
    };
    const feed = new Feed<{ n: number }>();
    for (let n = 0; n < 100; n++) feed.push({ n });
    feed.end().failsAt.push(30, 35, 70);
    const app = pipeline("seen", {
      state: memory(state),
      guarantee: "at-most-once",
      commit: { every: "1h", records: 10 },
      restart: { attempts: 3, backoff: 0 },
    });
    app.source(feed.source({ perPoll: 5 }), { name: "feed" }).to(ndjsonFile(out));
    await app.run({ handleSignals: false, ports: watched(look) });
    assert.deepEqual(wrong, []);
    assert.equal(numbersIn(out).at(-1), 99);
  });
});

describe("a reader of exactly-once output", () => {
  for (const { name, make, seen } of outputs) {
    test(`in ${name} sees records of decided epochs only, in their order, at every instant (INV-8)`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 60 }),
          fc.integer({ min: 1, max: 10 }),
          fc.integer({ min: 1, max: 20 }),
          fc.array(fc.nat(60), { maxLength: 2 }),
          async (count, perPoll, records, failsAt) => {
            const root = folder(`run-${made++}`);
            const state = join(root, "state");
            const wrong: string[] = [];
            let looks = 0;
            let before = 0;
            const look = (): void => {
              const found = seen(root);
              looks += 1;
              if (found.some((n, i) => n !== i)) wrong.push(`out of order: ${found}`);
              if (found.length > decided(state))
                wrong.push(`${found.length} seen, ${decided(state)} decided`);
              if (found.length < before) wrong.push(`${found.length} seen, after ${before}`);
              before = found.length;
            };
            const feed = new Feed<{ n: number }>();
            for (let n = 0; n < count; n++) feed.push({ n });
            feed.end().failsAt.push(...failsAt.filter((at) => at < count).sort((a, b) => a - b));
            const app = pipeline("seen", {
              state: memory(state),
              commit: { every: "1h", records },
              restart: { attempts: 5, backoff: 0 },
            });
            app.source(feed.source({ perPoll }), { name: "feed" }).to(make(root));
            await app.run({ handleSignals: false, ports: watched(look) });
            assert.deepEqual(wrong, []);
            assert.ok(looks > 0);
            assert.deepEqual([seen(root).length, decided(state)], [count, count]);
          },
        ),
        propertyOptions(15),
      );
    });
  }
});
