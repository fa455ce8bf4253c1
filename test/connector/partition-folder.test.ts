/** The names of partition folders: what they are for every value, and that no value leads anywhere else. */
import assert from "node:assert/strict";
import { join, normalize, sep } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type PartitionValue, partitionFolders } from "../../src/connector/file/partition-folder.ts";
import { propertyOptions } from "./seed.ts";

const folderOf = (value: PartitionValue) => partitionFolders<{ f: PartitionValue }>(["f"])({ f: value });

describe("a partition's folder", () => {
  const known: [unknown, string][] = [
    ["DE", "f=DE"],
    ["2024-01-01", "f=2024-01-01"],
    ["a b", "f=a%20b"],
    ["a/b", "f=a%2Fb"],
    ["..", "f=.."],
    ["../../etc", "f=..%2F..%2Fetc"],
    ["a=b", "f=a%3Db"],
    ["50%", "f=50%25"],
    ["a\\b:c*\0", "f=a%5Cb%3Ac%2A%00"],
    ["é", "f=%C3%A9"],
    ["😀", "f=%F0%9F%98%80"],
    ["", "f=__empty__"],
    [null, "f=__null__"],
    [undefined, "f=__null__"],
    ["__null__", "f=%5F_null__"],
    ["__empty__", "f=%5F_empty__"],
    ["_x", "f=_x"],
    [0, "f=0"],
    [-1.5, "f=-1.5"],
    [1e21, "f=1e%2B21"],
    [7n, "f=7"],
    [true, "f=true"],
  ];
  for (const [value, folder] of known) {
    test(`of ${typeof value === "bigint" ? "7n" : (JSON.stringify(value) ?? "undefined")} is ${folder}`, () => {
      assert.equal(folderOf(value as PartitionValue), folder);
    });
  }

  test("is one step below its parent, and another for every other text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 20 }),
        fc.string({ unit: "grapheme", maxLength: 20 }),
        (a, b) => {
          const [one, other] = [folderOf(a), folderOf(b)];
          assert.equal(one === other, a === b);
          assert.match(one, /^f=[A-Za-z0-9._%-]+$/);
          assert.equal(normalize(join("root", one)), `root${sep}${one}`);
        },
      ),
      propertyOptions(500),
    );
  });

  test("is that of several fields in their order, by a list or a function", () => {
    const record = { day: "2024-01-01", country: "DE" };
    assert.equal(partitionFolders<typeof record>(["country", "day"])(record), "country=DE/day=2024-01-01");
    const byFunction = partitionFolders<typeof record>(({ day }) => ({ year: day.slice(0, 4), day }));
    assert.equal(byFunction(record), "year=2024/day=2024-01-01");
    assert.equal(partitionFolders<typeof record>(() => ({}))(record), "");
    assert.equal(partitionFolders<typeof record>(undefined)(record), "");
  });

  test("has a field's name that readers do not take for hidden, and can't be left by it", () => {
    const named = (name: string) => partitionFolders<unknown>(() => ({ [name]: 1 }))(null);
    assert.deepEqual(["_x", ".x", "a/b", "a=b"].map(named), ["%5Fx=1", "%2Ex=1", "a%2Fb=1", "a%3Db=1"]);
  });

  test("is that of null where a record has no such field, or no fields", () => {
    const folder = partitionFolders<{ f: string }>(["f"]);
    for (const record of [{}, null, undefined, 5, "text"]) {
      assert.equal(folder(record as unknown as { f: string }), "f=__null__");
    }
  });

  const nameless: [string, unknown, RegExp][] = [
    ["an object", { a: 1 }, /the field f has the value \{"a":1\}/],
    ["a Date", new Date(0), /the field f has the value "1970/],
    ["a function", () => 1, /the field f has the value a function/],
    ["a long text", "x".repeat(300), /the field f has a value too long for a folder's name: "xxx/],
  ];
  for (const [what, value, message] of nameless) {
    test(`is refused to ${what}, naming field and value`, () => {
      assert.throws(() => folderOf(value as PartitionValue), { code: "SINK_FAILED", message });
    });
  }

  test("tells what partitionBy threw", () => {
    const cause = new Error("no such day");
    const folder = partitionFolders(() => {
      throw cause;
    });
    assert.throws(() => folder({}), { code: "SINK_FAILED", message: /no such day/, cause });
  });

  test("is refused to lists that name no fields, or one twice", () => {
    for (const by of [[], ["a", "a"], [""], [5], "a", {}]) {
      assert.throws(() => partitionFolders<any>(by as string[]), { code: "OPTION_INVALID" });
    }
  });
});
