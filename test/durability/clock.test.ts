/**
 * The wall clock jumps, between runs and within one: nothing of a job in event time depends on it, and a timer of
 * processing time fires once, whatever the clock says meanwhile (INV-4).
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import {
  count,
  forEach,
  memory,
  ndjson,
  ndjsonFile,
  output,
  pipeline,
  tumbling,
  valueState,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { epochOf } from "./faulted-job.ts";
import { seededRandom } from "./random.ts";
import { assertSameOutput, BACKENDS, runHere, sceneIn, writeSceneInput } from "./scenes.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const KEYS = 50;

describe("when the clock jumps", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-clock-"));
  before(() => writeSceneInput(root));
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    test(`a job on ${backend} goes on with the same output (INV-4)`, async () => {
      const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
      assert.deepEqual(await runHere(undisturbed), { ended: true });
      const scene = sceneIn(root, `jumps-${backend}`, backend);
      const random = seededRandom("jumps");
      for (const [stopAt, offset] of [
        [1, () => 0],
        [2, () => 400 * DAY_MS],
        [3, () => -400 * DAY_MS],
        [undefined, () => (random() - 0.5) * DAY_MS],
      ] as const) {
        const before = epochOf(scene);
        assert.deepEqual(await runHere(scene, { ports: withClock(offset), stopAt }), { ended: true });
        assert.ok(epochOf(scene) > before, "no epoch was decided");
      }
      assertSameOutput(scene, undisturbed);
    });

    test(`timers of processing time on ${backend} fire once, when their time has come (INV-4)`, async () => {
      const folder = join(root, `timers-${backend}`);
      const run = timersJob(folder, backend === "memory" ? memory(folder) : rocksdb(folder));
      assert.deepEqual(await run({ records: KEYS, fired: 0 }, 0), { records: KEYS, fired: 0 });
      assert.deepEqual(await run({ records: 0, fired: KEYS }, DAY_MS), { records: 0, fired: KEYS });
      assert.deepEqual(await run({ records: KEYS, fired: 0 }, -DAY_MS), { records: KEYS, fired: 0 });
      assert.deepEqual(await run({ records: 0, fired: KEYS }, 2 * DAY_MS), { records: 0, fired: KEYS });
      const rows = readFileSync(`${folder}.ndjson`, "utf8").trimEnd().split("\n").sort();
      const expected = [1, 2].flatMap((n) =>
        Array.from({ length: KEYS }, (_, key) => `{"key":${key},"n":${n}}`),
      );
      assert.deepEqual(rows, expected.sort());
    });
  }
});

/** Two files are followed; one is silent while the clock jumps, and then gives a record of the same time. */
test("a file that is silent while the clock jumps forward is not taken for idle: nothing becomes late", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-clock-idle-"));
  const paths = ["a", "b"].map((name) => join(folder, `${name}.ndjson`));
  const give = (path: string, at: number): void => appendFileSync(path, `${JSON.stringify({ at })}\n`);
  for (const path of paths) give(path, 1000);
  let offset = 0;
  let seen = 0;
  const app = pipeline("idle");
  const source = app.source(ndjson<{ at: number }>(paths, { follow: true, pollEvery: 5 }), {
    timestamp: ({ at }) => at,
    watermark: { maxOutOfOrderness: 0, idleAfter: "1h" },
  });
  source.to(
    forEach(() => {
      seen += 1;
    }),
  );
  const windows = source
    .keyBy(() => "all")
    .window(tumbling("10s"), { name: "windows" })
    .aggregate(count());
  windows.to(
    forEach(() => {}),
    { name: "results" },
  );
  const job = app.start({ handleSignals: false, ports: withClock(() => offset) });
  const until = async (records: number): Promise<void> => {
    while (seen < records) await sleep(5);
  };
  try {
    await until(2);
    offset = DAY_MS;
    await sleep(50);
    give(paths[0], 90_000);
    await until(3);
    give(paths[1], 2000);
    await until(4);
  } finally {
    const report = await job.stop();
    assert.equal(report.operators.find(({ name }) => name === "windows")?.done.late, 0);
    rmSync(folder, { recursive: true });
  }
});

interface Seen {
  records: number;
  fired: number;
}

/** A run adds records to the input, each of which sets a timer for an hour later, and is stopped once it has seen enough. */
function timersJob(folder: string, state: ReturnType<typeof memory>) {
  const input = `${folder}.input.ndjson`;
  return async (until: Seen, clockOffset: number): Promise<Seen> => {
    for (let key = 0; key < until.records; key++) appendFileSync(input, `{"key":${key}}\n`);
    const seen: Seen = { records: 0, fired: 0 };
    const stop = new AbortController();
    const see = (what: keyof Seen): void => {
      seen[what] += 1;
      if (seen.records >= until.records && seen.fired >= until.fired) stop.abort();
    };
    const app = pipeline("timers", { state, commit: { every: "10ms" } });
    const source = app.source(ndjson<{ key: number }>(input, { follow: true }));
    source.to(
      forEach(() => see("records")),
      { name: "records" },
    );
    const fired = source
      .keyBy(({ key }) => key)
      .process({
        state: { n: valueState<number>({ initial: () => 0 }) },
        emits: output<{ key: number; n: number }>(),
        onRecord(_record, { state: { n }, timers, time }) {
          n.set(n.get() + 1);
          timers.setProcessingTime(time + HOUR_MS);
        },
        onTimer: (_timer, { key, state: { n }, emit }) => emit({ key, n: n.get() }),
      });
    fired.to(ndjsonFile(`${folder}.ndjson`));
    fired.to(
      forEach(() => see("fired")),
      { name: "fired" },
    );
    await app.run({ signal: stop.signal, handleSignals: false, ports: withClock(() => clockOffset) });
    return seen;
  };
}

/** The machine, but for its wall clock. */
function withClock(offset: () => number): Ports {
  const { clock } = systemPorts;
  return { ...systemPorts, clock: { ...clock, now: () => Math.floor(clock.now() + offset()) } };
}
