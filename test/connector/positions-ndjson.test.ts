/**
 * Positions in NDJSON files. The property test catches lines that are read twice or never where a job goes on between
 * blank, malformed and valid lines; the examples say which side of a position a malformed line is on, and what a job
 * notices of a file that was changed.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Json } from "../../src/core/json.ts";
import type { Malformed } from "../../src/connector/contract.ts";
import { ndjson } from "../../src/connector/index.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource, pollAll, pollOnce } from "./poll-all.ts";
import { stored, takeUntil } from "./replay.ts";
import { propertyOptions } from "./seed.ts";

const source = ndjson<unknown>("f", { maxLineBytes: 1000 });

async function open(files: MemoryFiles, position?: Json, reject?: (partition: string, m: Malformed) => void) {
  const positions = position === undefined ? null : new Map([["f", stored(position)]]);
  const opened = await openSource(source, files.ports, reject, positions);
  return { opened, partition: opened.partitions[0]! };
}

/** All that follows the position. */
async function rest(files: MemoryFiles, position?: Json) {
  const { opened, partition } = await open(files, position);
  const lines: number[] = [];
  const records = await pollAll(opened, partition, 100, ({ line }) => lines.push(line!));
  await partition.close();
  return { records, lines, rejected: opened.rejected };
}

/** The position behind the first `count` records, asked for all at once. */
async function positionBehind(files: MemoryFiles, count: number): Promise<Json> {
  const { opened, partition } = await open(files);
  const { position } = await takeUntil(opened, partition, count, { sizes: [1000], late: false });
  await partition.close();
  return position;
}

const lost = (what: RegExp) => ({ code: "SOURCE_POSITION_LOST", message: what });

describe("a position in an NDJSON file", () => {
  test("parts any lines, valid, blank and malformed, so that each is read once", async () => {
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.jsonValue({ stringUnit: "binary" }).map((value) => JSON.stringify(value)) },
      fc.constantFrom("", " \t", "x", '{"a":', "\uFEFF1", `"${"long".repeat(300)}"`),
      fc.constant(Uint8Array.of(34, 0xff, 34)),
    );
    const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")), { maxLength: 30 });
    const polling = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
      late: fc.boolean(),
    });
    const property = fc.asyncProperty(
      fc.record({
        lines,
        bom: fc.boolean(),
        lastEnds: fc.boolean(),
        readBytes: fc.integer({ min: 1, max: 300 }),
      }),
      polling,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async ({ lines, bom, lastEnds, readBytes }, how, part) => {
        const bytes = lines.flatMap(([content, end], i) => [
          Buffer.from(content as string),
          Buffer.from(lastEnds || i + 1 < lines.length ? end : ""),
        ]);
        const files = new MemoryFiles({ f: Buffer.concat([Buffer.from(bom ? "\uFEFF" : ""), ...bytes]) });
        files.readBytes = readBytes;
        const whole = await rest(files);
        const cut = Math.round(part * whole.records.length);

        const { opened, partition } = await open(files);
        const first = await takeUntil(opened, partition, cut, how);
        await partition.close();
        const { offset } = first.position as { offset: number };
        const second = await rest(files, first.position);

        assert.deepEqual([...first.records, ...second.records], whole.records);
        assert.deepEqual(second.lines, whole.lines.slice(cut));
        const before = opened.rejected.filter((malformed) => malformed.offset < offset);
        assert.deepEqual([...before, ...second.rejected], whole.rejected);
      },
    );
    await fc.assert(property, propertyOptions(300));
  });

  test("of a record lies behind the malformed lines before it, also those that the same poll refused", async () => {
    const files = new MemoryFiles({ f: "1\nx\n2\ny\n3\nz\n" });
    const { opened, partition } = await open(files);
    assert.deepEqual(pollOnce(partition, 1), [1]);
    const behindOne = stored(partition.position!(1));
    while (pollOnce(partition, 0).length === 0 && opened.rejected.length === 0 && !partition.ended) {
      const given = pollOnce(partition, 10);
      if (given.length > 0) assert.deepEqual(given, [2, 3]);
      if (given.length > 0) break;
      await opened.woken();
    }
    assert.deepEqual(
      opened.rejected.map(({ line }) => line),
      [2, 4, 6],
    );
    const rejectedAfter = async (position: Json) =>
      (await rest(files, position)).rejected.map(({ line }) => line);
    // Not reached yet: behind the position.
    assert.deepEqual(await rejectedAfter(behindOne), [2, 4, 6]);
    assert.deepEqual(await rejectedAfter(partition.position!(0)), [4, 6]);
    assert.deepEqual(await rejectedAfter(partition.position!(1)), [6]);
    assert.deepEqual(await rejectedAfter(partition.position!(2)), []);
    await partition.close();
  });

  for (const [what, bad] of [
    ["no JSON", "x"],
    ["no UTF-8", Uint8Array.of(34, 0xff, 34)],
    ["too long", `"${"x".repeat(5000)}"`],
  ] as const) {
    test(`stays before a line that ended the job, so that it can be mended: ${what}`, async () => {
      const bytes = Buffer.concat([Buffer.from("1\n"), Buffer.from(bad as string), Buffer.from("\n2\n")]);
      const files = new MemoryFiles({ f: bytes });
      const { opened, partition } = await open(files, undefined, () => {
        throw new Error("stop");
      });
      let given: unknown[] = [];
      while (given.length === 0) {
        given = pollOnce(partition, 10);
        if (given.length === 0) await opened.woken();
      }
      const position = stored(partition.position!(1));
      assert.throws(() => pollOnce(partition, 10), /stop/);
      assert.deepEqual(partition.position!(0), position);
      await partition.close();
      files.overwrite("f", "1\n9\n2\n");
      assert.deepEqual(await rest(files, position), { records: [9, 2], lines: [2, 3], rejected: [] });
    });
  }

  test("is there before the first poll and after the end", async () => {
    const files = new MemoryFiles({ f: "1\n2\n" });
    const { opened, partition } = await open(files);
    assert.deepEqual(await rest(files, partition.position!(0)), await rest(files));
    await pollAll(opened, partition, 10);
    const end = partition.position!(0);
    assert.deepEqual((await rest(files, end)).records, []);
    const again = await open(files, end);
    assert.deepEqual(
      again.partition.position!(0),
      end,
      "the position of a run that did nothing is where it began",
    );
    assert.deepEqual(again.partition.progress!(), { done: 4, total: 4, unit: "bytes" });
  });

  test("leads back whatever stands before it: characters of four bytes, a line that is too long to be kept", async () => {
    const emoji = Array.from({ length: 60 }, (_, i) => `"${"a".repeat(i % 7)}${"😀".repeat(i)}"\n`);
    // Among these are lines in which the 256th unit before the next is half a character.
    const half = Array.from({ length: 10 }, (_, i) => `"😀${"a".repeat(248 + i)}"\n`);
    const long = `"${"x".repeat(200_000)}"\n`;
    for (const text of [emoji.join(""), half.join(""), `1\n${long}2\n3\n`]) {
      const files = new MemoryFiles({ f: text });
      files.readBytes = 50_000;
      const whole = await rest(files);
      for (let count = 0; count <= whole.records.length; count++) {
        const { records } = await rest(files, await positionBehind(files, count));
        assert.deepEqual(records, whole.records.slice(count));
      }
    }
  });

  test("is refused for an index that the last poll did not give", async () => {
    const { partition } = await open(new MemoryFiles({ f: "1\n2\n" }));
    assert.throws(() => partition.position!(1), RangeError);
    await partition.close();
  });
});

describe("a job that goes on in an NDJSON file", () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `{"id":${from + i}}\n`).join("");
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: from + i }));

  test("reads what was written meanwhile", async () => {
    const files = new MemoryFiles({ f: lines(0, 10) });
    const position = await positionBehind(files, 10);
    files.append("f", lines(10, 12));
    assert.deepEqual((await rest(files, position)).records, ids(10, 12));
  });

  test("takes a copy of the file for the file", async () => {
    const files = new MemoryFiles({ f: lines(0, 500) });
    const position = await positionBehind(files, 400);
    files.put("f", files.text("f"));
    assert.deepEqual((await rest(files, position)).records, ids(400, 500));
  });

  test("takes any file where it had read nothing", async () => {
    const files = new MemoryFiles({ f: lines(0, 10) });
    const position = await positionBehind(files, 0);
    files.put("f", "7\n");
    assert.deepEqual((await rest(files, position)).records, [7]);
  });

  test("goes on behind a last line whose end came later, and counts lines right", async () => {
    for (const end of ["\n", "\r\n"]) {
      const files = new MemoryFiles({ f: "1\n2" });
      const position = await positionBehind(files, 2);
      files.append("f", `${end}3\n`);
      assert.deepEqual(await rest(files, position), { records: [3], lines: [3], rejected: [] });
    }
  });

  test("tells of a last line that was not whole when it was read", async () => {
    const files = new MemoryFiles({ f: "1\n2" });
    const position = await positionBehind(files, 2);
    files.append("f", "5\n");
    await assert.rejects(rest(files, position), lost(/not whole/));
  });

  test("tells of a file that is gone, with the path and the place", async () => {
    const files = new MemoryFiles({ f: lines(0, 10) });
    const position = await positionBehind(files, 5);
    await files.remove("f");
    await assert.rejects(rest(files, position), {
      ...lost(
        /f can't be read on from byte 45: it is gone .*\n.*partition f, offset 45, line 6\n.*Bring the named/,
      ),
    });
  });

  test("tells of a file that is shorter than it was", async () => {
    const files = new MemoryFiles({ f: lines(0, 10) });
    const position = await positionBehind(files, 5);
    files.overwrite("f", lines(0, 4));
    await assert.rejects(rest(files, position), lost(/only 36 bytes/));
    assert.equal(files.open.size, 0, "the file is closed");
  });

  test("tells of a change at the file's beginning and right before the position, whatever was read at once", async () => {
    for (const readBytes of [64, 100_000]) {
      for (const count of [1, 5, 400, 500]) {
        const text = lines(0, 500);
        const files = new MemoryFiles({ f: text });
        files.readBytes = readBytes;
        const position = await positionBehind(files, count);
        const { offset, tailBytes } = position as { offset: number; tailBytes: number };
        assert.equal(tailBytes, Math.min(256, offset), `position behind ${count}, ${readBytes} bytes a read`);
        for (const at of [3, offset - 3]) {
          files.overwrite("f", `${text.slice(0, at)}X${text.slice(at + 1)}`);
          await assert.rejects(rest(files, position), lost(/what stood before was changed/));
        }
        // A line less, before the position: everything moves.
        files.overwrite("f", lines(1, 600));
        await assert.rejects(rest(files, position), lost(/was changed/));
      }
    }
  });

  test("refuses a position of something else", async () => {
    const files = new MemoryFiles({ f: "1\n" });
    for (const foreign of [
      null,
      3,
      { index: 2 },
      { offset: -1, line: 1, identity: "a", head: 0, tail: 0, tailBytes: 0 },
    ]) {
      await assert.rejects(rest(files, foreign), lost(/no position in an NDJSON file/));
    }
  });

  test("tells of a disk that fails while the file is checked, and closes it", async () => {
    const files = new MemoryFiles({ f: lines(0, 10) });
    const position = await positionBehind(files, 5);
    files.readFailsAt = 0;
    await assert.rejects(rest(files, position), { code: "FILE_UNREADABLE", message: /EIO/ });
    assert.equal(files.open.size, 0);
  });
});
