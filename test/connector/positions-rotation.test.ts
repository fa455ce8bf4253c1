/** Names of rotated files: which belong together, and which came after which. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isRelated, newerNames } from "../../src/connector/file/rotated-names.ts";

/** The names as a folder lists them; the first is the oldest. */
const newer = (base: string, ages: readonly string[], name: string, others: readonly string[] = []) =>
  newerNames(base, [...ages, ...others].sort(), name);

describe("the names of rotated files", () => {
  const families: [what: string, base: string, ages: string[]][] = [
    [
      "counted",
      "app.log",
      ["app.log.11", "app.log.10", ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => `app.log.${n}`)],
    ],
    ["counted from 0", "app.log", ["app.log.1", "app.log.0"]],
    ["counted before the ending", "app.log", ["app.2.log", "app.1.log"]],
    ["counted, without an ending", "log", ["log.2", "log.1"]],
    ["by days", "app.log", ["app.log-20251231", "app.log-20260101", "app.log-20260102"]],
    ["by days and hours", "app.log", ["app.log.2026-01-01-09", "app.log.2026-01-01-10"]],
    ["by years", "app.log", ["app.log.2025", "app.log.2026"]],
    [
      "by days and numbers",
      "app.log",
      ["app-2026-01-01.9.log", "app-2026-01-01.10.log", "app-2026-01-02.1.log"],
    ],
    ["by seconds", "app.ndjson", ["app.ndjson-1767225599", "app.ndjson-1767225600"]],
    ["by times of 17 digits", "a", ["a.20260101000000001", "a.20260101000000002"]],
    ["by times as text", "a", ["a.2026-01-01T09:00:00Z", "a.2026-01-01T10:00:00Z"]],
  ];
  for (const [what, base, ages] of families) {
    test(`say what came after each: ${what}`, () => {
      const others = [`${base}.bak`, `${base}.tmp`, `x${base}`, "other.log.1", `${base}.4x`];
      const all = [...ages, base];
      for (const [i, name] of all.entries()) {
        assert.deepEqual(newer(base, all, name, others), { names: all.slice(i + 1), lost: null });
        assert.equal(isRelated(base, name), true);
      }
    });
  }

  test("leave out the path where no file has it now", () => {
    assert.deepEqual(newerNames("a", ["a.1", "a.2"], "a.2"), { names: ["a.1"], lost: null });
    assert.deepEqual(newerNames("a", ["a.old"], "a.old"), { names: [], lost: null });
  });

  test("compare only where they are made alike", () => {
    const all = ["a", "a-20260101", "a.1", "a.20260101", "a.2026-01-01", "a.old"];
    for (const name of all.slice(1)) {
      assert.deepEqual(newerNames("a", all, name), { names: ["a"], lost: null }, name);
    }
  });

  test("tell of a packed file that came after, not of one before, and not while it is there unpacked too", () => {
    const dated = ["a-20260101.gz", "a-20260102", "a-20260103.zst", "a"];
    assert.equal(
      newerNames("a", dated, "a-20260101.gz").lost,
      "a-20260103.zst was packed before it was read",
    );
    assert.equal(newerNames("a", dated, "a-20260102").lost, "a-20260103.zst was packed before it was read");
    assert.deepEqual(newerNames("a", dated, "a-20260103.zst"), { names: ["a"], lost: null });
    const both = ["a", "a.1", "a.1.gz", "a.2"];
    assert.deepEqual(newerNames("a", both, "a.2"), { names: ["a.1", "a"], lost: null });
    assert.deepEqual(newerNames("a", both.toReversed(), "a.2"), { names: ["a.1", "a"], lost: null });
  });

  test("tell of a number that is missing in between", () => {
    assert.match(newerNames("a", ["a", "a.1", "a.4"], "a.4").lost!, /number 3/);
    assert.match(newerNames("a", ["a", "a.2"], "a.2").lost!, /number 1/);
  });

  test("are related where they begin like the path's, or are made like one of its generations", () => {
    for (const name of ["app.log.old", "app.log~", "app-1.log", "app.2026-01-01.log.gz"]) {
      assert.equal(isRelated("app.log", name), true, name);
    }
    for (const name of ["app.txt", "apple.log", "app-x.log", "xapp.log", "app.1.txt"]) {
      assert.equal(isRelated("app.log", name), false, name);
    }
    assert.equal(isRelated(".log", ".log.1"), true);
  });
});
