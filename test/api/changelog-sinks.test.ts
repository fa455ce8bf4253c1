/** What sinks behind a changelog are told and given, and which must not be there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  MillraceError,
  otherwise,
  pipeline,
  type Sink,
  type Stream,
  tumbling,
  type WindowOptions,
} from "../../src/index.ts";
import { itemsOf, results } from "./changelog-rows.ts";
import { runBoth } from "./run-both.ts";

/** A sink that notes how it was opened. */
function noting(form: "append" | "upsert", opened: Record<string, unknown>): Sink<any> {
  return {
    description: `${form} sink`,
    form,
    open: async ({ name, changelog }) => {
      opened[name] = changelog;
      return { write() {}, flush: async () => {}, close: async () => {} };
    },
  };
}

describe("a sink behind a changelog", () => {
  const late: WindowOptions = { allowedLateness: 20 };

  test("knows that it is given changes, behind filter, peek, branch and union too", async () => {
    const opened: Record<string, unknown> = {};
    const app = pipeline("sinks");
    const rows = results(app, itemsOf(1, 12, 3), tumbling(10), late);
    const to = (stream: Stream<any>, name: string) => stream.to(noting("upsert", opened), { name });
    const changes = rows.changelog();
    const { some, rest } = changes.branch({ some: ({ op }) => op === "+I", rest: otherwise });
    to(changes, "changes");
    to(
      changes.filter(({ op }) => op !== "-U").peek(() => {}),
      "filtered",
    );
    to(some.union(rest, rows.changelog()), "united");
    to(rows, "rows");
    to(rows.throttle("1s"), "throttled");
    to(
      changes.map((change) => change),
      "mapped",
    );
    to(
      changes.flatMap((change) => [change]),
      "flat",
    );
    await app.run({ handleSignals: false });
    assert.deepEqual(opened, {
      changes: true,
      filtered: true,
      united: true,
      rows: false,
      throttled: false,
      mapped: false,
      flat: false,
    });
  });

  test("must not be given changes and rows in one stream, if it can't tell them apart", () => {
    const mixed = (form: "append" | "upsert") => {
      const app = pipeline("mixed");
      const rows = results(app, [], tumbling(10), late);
      (rows.changelog() as Stream<unknown>)
        .union(rows)
        .filter(() => true)
        .to(noting(form, {}), { name: "table" });
      return app;
    };
    assert.throws(
      () => mixed("upsert").explain(),
      (error: unknown) => {
        assert.ok(error instanceof MillraceError);
        assert.equal(error.code, "PIPELINE_INVALID");
        assert.match(
          error.message,
          /table would get a changelog and plain rows in one stream.*upsert sink takes one/,
        );
        return true;
      },
    );
    assert.match(mixed("append").explain(), /append sink/);
  });

  test("is given the changes as records, if it appends", async () => {
    const { out } = await runBoth((app) => ({
      out: results(app, itemsOf(1, 12, 3), tumbling(10), late).changelog(),
    }));
    assert.deepEqual(out[0], {
      op: "+I",
      row: { key: "a", windowStart: 0, windowEnd: 10, pane: "on-time", paneIndex: 0, ats: [1] },
    });
    assert.deepEqual(
      out.map(({ op }) => op),
      ["+I", "-U", "+U", "+I"],
    );
  });
});
