import assert from "node:assert/strict";
import { test } from "node:test";
import { rowBuilder } from "../../src/connector/parquet/row-builder.ts";

test("rows are the same where the process may not generate code", () => {
  const names = ["id", "__proto__", 'a "quoted" name'];
  const columns = [
    [1, 2, 3],
    ["x", "y", "z"],
    [true, false, null],
  ];
  const rows = (): unknown[] => {
    const into: unknown[] = [];
    rowBuilder(names)(columns as never, 1, 2, into, 0);
    return into;
  };
  const generated = rows();
  const original = globalThis.Function;
  globalThis.Function = new Proxy(original, {
    construct() {
      throw new EvalError("Code generation from strings disallowed for this context");
    },
  });
  try {
    const assigned = rows();
    assert.deepEqual(assigned, generated);
    assert.deepEqual(Object.entries(assigned[0] as object), [
      ["id", 2],
      ["__proto__", "y"],
      ['a "quoted" name', false],
    ]);
  } finally {
    globalThis.Function = original;
  }
});
