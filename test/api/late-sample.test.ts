/** Late records that nobody reads: they are counted, and the report shows some of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { count, fromIterable, session, tumbling } from "../../src/index.ts";
import { Sample } from "../../src/operator/sample.ts";
import { propertyOptions } from "../connector/seed.ts";
import { done, operator, runBoth } from "./run-both.ts";

describe("late records that nobody reads", () => {
  for (const windows of [tumbling(10), session(10)]) {
    it(`of ${windows.kind} windows are counted, and some of them are in the report`, async () => {
      const times = [100, 5, 7, 101, 3];
      const { report } = await runBoth((app) => ({
        out: app
          .source(fromIterable(times.map((at, id) => ({ id, at }))), { timestamp: (r) => r.at })
          .keyBy(() => "all")
          .window(windows, { name: "windows" })
          .aggregate(count()),
      }));
      assert.deepEqual(done(report, "windows"), { contributed: 2, late: 3 });
      assert.deepEqual(operator(report, "windows").droppedLate, [
        { value: { id: 1, at: 5 }, timestamp: 5 },
        { value: { id: 2, at: 7 }, timestamp: 7 },
        { value: { id: 4, at: 3 }, timestamp: 3 },
      ]);
    });
  }

  it("are not in the report where the late stream is read, or nothing was late", async () => {
    const { report } = await runBoth((app) => {
      const keyed = app.source(fromIterable([100, 5]), { timestamp: (at) => at }).keyBy(() => "all");
      const read = keyed.window(tumbling(10), { name: "read" }).aggregate(count());
      const patient = keyed
        .window(tumbling(10), { name: "patient", allowedLateness: 1000 })
        .aggregate(count());
      return { read, late: read.late, patient };
    });
    assert.equal("droppedLate" in operator(report, "read"), false);
    assert.equal("droppedLate" in operator(report, "patient"), false);
  });
});

describe("a sample", () => {
  it("has the first record, at most 16, and no gap that is much wider than the others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), (n) => {
        const sample = new Sample();
        for (let i = 0; i < n; i++) sample.offer(i, i);
        const at = sample.records.map(({ timestamp }) => timestamp);
        assert.ok(at.length <= 16 && at.length >= Math.min(n, 8), `${at.length} of ${n}`);
        assert.equal(at[0], 0);
        const stride = at.length > 1 ? at[1] : 1;
        assert.deepEqual(
          at,
          at.map((_, i) => i * stride),
        );
        assert.ok(n - at[at.length - 1] <= stride);
      }),
      propertyOptions(300),
    );
  });
});
