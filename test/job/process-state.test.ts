/** process() in a job that keeps its state: what a restart brings back, what a new version reads, what can't be kept. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type JobOptions,
  memory,
  MillraceError,
  output,
  pipeline,
  type StateBackend,
  type StateOptions,
  valueState,
} from "../../src/index.ts";
import { t } from "../../src/schema/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { hastyPorts, scratch } from "./scratch.ts";
import { until } from "./until.ts";

const folder = scratch();
let made = 0;

interface Ping {
  readonly key: string;
  readonly inMs: number;
}

const backends: readonly (readonly [string, () => StateBackend])[] = [
  ["memory", () => memory(folder(`m${made++}`))],
  ["rocksdb", () => rocksdb(folder(`r${made++}`), { cacheBytes: 0 })],
];

for (const [name, backend] of backends) {
  describe(`process() with state in ${name}`, () => {
    test("fires timers of processing time that were due while it was down once, in the order of time", async () => {
      const feed = new Feed<Ping>();
      const fired = new Ledger<string>();
      const state = backend();
      const { ports, pass } = hastyPorts();
      const app = () => {
        const job = pipeline("alarms", { state, commit: { every: "1h", records: 1 } });
        job
          .source(feed.source(), { name: "pings" })
          .keyBy((ping) => ping.key)
          .process({
            state: { n: valueState<number>({ initial: () => 0 }) },
            emits: output<string>(),
            onRecord({ inMs }, { state, timers, time }) {
              state.n.set(state.n.get() + 1);
              timers.setProcessingTime("alarm", time + inMs);
            },
            onTimer: ({ name }, { key, state, emit }) => emit(`${key} ${name} ${state.n.get()}`),
          })
          .to(fired.transactional());
        return job;
      };
      feed.push(
        { key: "a", inMs: 3e6 },
        { key: "b", inMs: 2e6 },
        { key: "c", inMs: 9e6 },
        { key: "a", inMs: 1e6 },
      );
      const first = app().start({ handleSignals: false, ports });
      await until(() => feed.handed === 4);
      await first.stop();
      assert.deepEqual(fired.visible, []);

      pass(5e6);
      const second = app().start({ handleSignals: false, ports });
      await until(() => fired.visible.length > 0);
      await second.stop();
      assert.deepEqual(fired.visible.slice(0, 2), ["a alarm 2", "b alarm 1"]);

      const third = app().start({ handleSignals: false, ports });
      pass(5e6);
      await until(() => fired.visible.length > 2);
      await third.stop();
      assert.deepEqual(fired.visible, ["a alarm 2", "b alarm 1", "c alarm 1"]);
    });

    test("reads values of an older version by its upcaster, and refuses them without one", async () => {
      const feed = new Feed<{ readonly name: string }>();
      const seen = new Ledger<unknown>();
      const state = backend();
      const run = async (options: StateOptions<any>, next: (old: any, name: string) => unknown) => {
        const app = pipeline("people", { state });
        app
          .source(feed.source(), { name: "people" })
          .keyBy((person) => person.name.length)
          .process({
            state: { last: valueState<any>(options) },
            emits: output<unknown>(),
            onRecord({ name }, { state: { last }, emit }) {
              emit(last.get() ?? null);
              last.set(next(last.get(), name));
            },
          })
          .to(seen.transactional());
        const job = app.start({ handleSignals: false });
        const failed = job.done.then(() => null);
        await Promise.race([failed, until(() => feed.handed === feed.records.length)]);
        await job.stop();
      };
      feed.push({ name: "Ada L" }, { name: "Bob M" });
      await run({ schema: t.object({ name: t.string }) }, (_old, name) => ({ name }));
      assert.deepEqual(seen.visible, [null, { name: "Ada L" }]);

      feed.push({ name: "Cyd N" });
      const newer = { version: 2, schema: t.object({ first: t.string, last: t.string }) };
      await assert.rejects(
        run(newer, () => {}),
        (error: unknown) => error instanceof MillraceError && error.code === "STATE_SCHEMA_CHANGED",
      );
      const split = (name: string) => ({ first: name.split(" ")[0], last: name.split(" ")[1] });
      await run(
        {
          ...newer,
          older: { 1: t.object({ name: t.string }) },
          upcast: { 1: ({ name }: { name: string }) => split(name) },
        },
        (_old, name) => split(name),
      );
      assert.deepEqual(seen.visible.slice(2), [{ first: "Bob", last: "M" }]);
    });

    test("ends where a value can't be kept, and says which state it is and what of it", async () => {
      const feed = new Feed<Ping>();
      const options: JobOptions = { state: backend(), commit: { every: "1h", records: 1 } };
      const app = pipeline("refused", options);
      app
        .source(feed.source(), { name: "pings" })
        .keyBy((ping) => ping.key)
        .process(
          {
            state: { held: valueState<unknown>() },
            onRecord: (_ping, { state }) => state.held.set({ items: [{ price: () => 5 }] }),
          },
          { name: "holder" },
        )
        .to(new Ledger<never>().plain());
      feed.push({ key: "a", inMs: 0 }).end();
      await assert.rejects(app.run({ handleSignals: false }), (error: unknown) => {
        assert.ok(error instanceof MillraceError, String(error));
        assert.equal(error.code, "STATE_VALUE_REFUSED");
        assert.match(
          error.message,
          /^State held of holder has for the key "a" .*: items\[0\]\.price is a function/,
        );
        return true;
      });
    });
  });
}
