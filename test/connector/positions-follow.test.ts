/**
 * Following a file. The property test lets a writer, a rotation, a reader and its crashes do their worst, and catches
 * lines that are lost, read twice or out of order; the examples say what a user of `tail -F` knows, one by one.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Json } from "../../src/core/json.ts";
import { ndjson } from "../../src/connector/index.ts";
import { Follower, following, PATH } from "./follower.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource, pollOnce } from "./poll-all.ts";
import { stored } from "./replay.ts";
import { propertyOptions } from "./seed.ts";

const lost = (what: RegExp) => ({ code: "SOURCE_POSITION_LOST", message: what });

describe("ndjson() with follow", () => {
  test("never ends, says so, and says how often it looks", async () => {
    const source = ndjson(PATH, { follow: true });
    assert.equal(source.bounded, false);
    assert.equal(source.replayable, true);
    assert.equal(source.description, 'ndjson("logs/app.log", followed)');
    for (const [pollEvery, ms] of [
      [undefined, 100],
      ["2s", 2000],
    ] as const) {
      const follower = await following("1\n");
      const options = { follow: true, ...(pollEvery === undefined ? {} : { pollEvery }) };
      await follower.close();
      const opened = await openSource(ndjson(PATH, options), {
        ...follower.files.ports,
        timers: follower.timers,
      });
      assert.deepEqual([...follower.timers.waiting.values()], [ms]);
      await opened.partitions[0]!.close();
    }
  });

  test("refuses an interval of nothing, one that is none, and one without follow", () => {
    assert.throws(() => ndjson("a", { follow: true, pollEvery: 0 }), { code: "OPTION_INVALID" });
    assert.throws(() => ndjson("a", { follow: true, pollEvery: "often" as never }), {
      code: "DURATION_INVALID",
    });
    assert.throws(() => ndjson("a", { pollEvery: 100 }), { code: "OPTION_INVALID" });
  });

  test("reads on as the file grows, a line only once its end is there", async () => {
    const follower = await following("1\n2\n3");
    assert.deepEqual(await follower.drain(), [1, 2]);
    follower.files.append(PATH, "4\n");
    assert.deepEqual(await follower.drain(), [], "nothing before the next look");
    assert.deepEqual(await follower.look(), [34]);
    follower.files.append(PATH, "5\n6\n");
    assert.deepEqual(await follower.look(), [5, 6]);
    assert.deepEqual(follower.lines, [4, 5]);
    await follower.close();
  });

  test("is caught up exactly while all that was found is handed over", async () => {
    const follower = await following("1\n2\n3");
    assert.equal(follower.partition.caughtUp, false);
    assert.deepEqual(pollOnce(follower.partition, 1), [1]);
    await follower.timers.yield();
    assert.equal(follower.partition.caughtUp, false, "a record is read, and not handed over");
    await follower.drain();
    assert.equal(follower.partition.caughtUp, true, "an unfinished line is nobody's yet");
    follower.timers.fire();
    assert.equal(follower.partition.caughtUp, true, "also while it looks");
    await follower.drain();
    follower.files.append(PATH, "\n");
    await follower.timers.fire();
    assert.equal(follower.partition.caughtUp, false);
    assert.deepEqual(await follower.drain(), [3]);
    assert.equal(follower.partition.caughtUp, true);
    await follower.close();
  });

  test("waits for a file that is not there yet, caught up", async () => {
    const follower = new Follower(new MemoryFiles());
    await follower.start();
    assert.deepEqual(await follower.look(), []);
    assert.equal(follower.partition.caughtUp, true);
    follower.files.put(PATH, "1\n");
    assert.deepEqual(await follower.look(), [1]);
    await follower.close();
  });

  test("goes on from a position before there was a file", async () => {
    const follower = new Follower(new MemoryFiles());
    await follower.start();
    const position = follower.position();
    follower.files.put(PATH, "1\n");
    await follower.start(position);
    assert.deepEqual(await follower.settle(), [1]);
    await follower.close();
  });

  test("tells of a folder when opened, and of one that can't be looked at later", async () => {
    const follower = await following("1\n");
    await follower.drain();
    follower.files.stat = () => Promise.reject(new Error("EACCES: permission denied"));
    await follower.timers.fire();
    assert.throws(() => pollOnce(follower.partition, 1), { code: "FILE_UNREADABLE", message: /EACCES/ });
    await follower.close();
    await assert.rejects(openSource(ndjson(tmpdir(), { follow: true })), {
      code: "FILE_UNREADABLE",
      message: /folder/,
    });
  });

  test("tells of a disk that fails, after what was read before", async () => {
    const follower = await following("1\n");
    await follower.drain();
    follower.files.append(PATH, "2\n");
    follower.files.readFailsAt = 2;
    await follower.timers.fire();
    assert.throws(() => pollOnce(follower.partition, 1), { code: "FILE_UNREADABLE", message: /EIO/ });
    await follower.close();
  });

  test("holds no timer and no file after it was closed, whatever it was doing", async () => {
    for (const looks of [0, 1, 2]) {
      for (const content of [null, "", "1\n", "1\n2"]) {
        const files = new MemoryFiles(content === null ? {} : { [PATH]: content });
        const follower = new Follower(files);
        await follower.start();
        for (let i = 0; i < looks; i++) await follower.look();
        files.append(PATH, "3\n");
        files.move(PATH, `${PATH}.1`);
        files.put(PATH, "4\n");
        // In the middle of a look.
        if (looks === 2) follower.timers.fire();
        await follower.close();
        await follower.partition.close();
      }
    }
  });

  test("counts bytes of all files as its progress, and knows no total", async () => {
    const follower = await following("1\n");
    follower.files.move(PATH, `${PATH}.1`);
    follower.files.put(PATH, "2\n");
    await follower.settle();
    assert.deepEqual(follower.partition.progress!(), {
      done: 4,
      total: Number.POSITIVE_INFINITY,
      unit: "bytes",
    });
    await follower.close();
  });
});

describe("a followed file that is rotated", () => {
  test("is read to its end under its new name, and then the new one from its beginning", async () => {
    const follower = await following("1\n");
    await follower.drain();
    follower.files.append(PATH, "2\n");
    follower.files.move(PATH, `${PATH}.1`);
    follower.files.put(PATH, "3\n");
    assert.deepEqual(await follower.settle(), [2, 3]);
    assert.deepEqual(follower.lines.length, 0);
    follower.files.append(PATH, "4\n");
    assert.deepEqual(await follower.look(), [4]);
    assert.deepEqual(follower.lines, [2]);
    await follower.close();
  });

  test("gets what its writer still writes to it until the first byte of the new one", async () => {
    const follower = await following("1\n");
    await follower.drain();
    follower.files.move(PATH, `${PATH}.1`);
    follower.files.put(PATH, "");
    assert.deepEqual(await follower.settle(), []);
    follower.files.append(`${PATH}.1`, "2\n");
    assert.deepEqual(await follower.settle(), [2]);
    follower.files.append(`${PATH}.1`, "3\n");
    follower.files.append(PATH, "4\n");
    assert.deepEqual(await follower.settle(), [3, 4]);
    await follower.close();
  });

  test("gets also what its writer writes in the moment before it turns to the new one", async () => {
    const follower = await following("1\n");
    await follower.drain();
    const { files } = follower;
    const { openRead } = files;
    let written = false;
    files.openRead = async (path) => {
      const file = await openRead.call(files, path);
      const size = async () => {
        if (!written) {
          files.append(`${PATH}.1`, "2\n");
          files.append(PATH, "3\n");
        }
        written = true;
        return file.size();
      };
      return { ...file, size };
    };
    files.move(PATH, `${PATH}.1`);
    files.put(PATH, "");
    assert.deepEqual(await follower.settle(), [2, 3]);
    await follower.partition.close();
  });

  test("has a whole last line although the end of it is missing", async () => {
    const follower = await following("1\n2");
    await follower.drain();
    follower.files.move(PATH, `${PATH}.1`);
    follower.files.put(PATH, "3\n");
    assert.deepEqual(await follower.settle(), [2, 3]);
    await follower.close();
  });

  test("is read to its end although it was deleted, and whatever is made anew meanwhile", async () => {
    const follower = await following("1\n2\n3\n");
    assert.deepEqual(pollOnce(follower.partition, 1), [1]);
    for (const next of ["4\n", "5\n", "6\n"]) {
      await follower.files.remove(PATH);
      await follower.timers.fire();
      follower.files.put(PATH, next);
      await follower.timers.fire();
    }
    assert.deepEqual(await follower.settle(), [2, 3, 4, 5, 6]);
    await follower.close();
  });

  for (const [scheme, names] of [
    ["counted", (age: number) => `${PATH}.${age}`],
    ["dated", (age: number) => `logs/app-2026-01-${31 - age}.log`],
  ] as const) {
    test(`is followed by all that came between two looks, or between two runs: ${scheme}`, async () => {
      for (const restart of [false, true]) {
        const follower = await following("1\n2\n");
        follower.files.put(names(4), "old\n");
        pollOnce(follower.partition, 1);
        const position = stored(follower.partition.position!(1));
        await follower.drain();
        follower.files.move(PATH, names(3));
        follower.files.put(names(2), "3\n");
        follower.files.put(names(1), "");
        follower.files.put(PATH, "4\n");
        if (restart) await follower.start(position);
        assert.deepEqual(await follower.settle(), restart ? [2, 3, 4] : [3, 4]);
        await follower.close();
      }
    });
  }

  test("is found again where its copy was cut, and read in the copy", async () => {
    const follower = await following("1\n2\n3\n");
    pollOnce(follower.partition, 1);
    const position = stored(follower.partition.position!(1));
    follower.files.put(`${PATH}.1`, follower.files.text(PATH));
    follower.files.overwrite(PATH, "4\n");
    await follower.start(position);
    assert.deepEqual(await follower.settle(), [2, 3, 4]);
    await follower.close();
  });

  test("is taken before any copy of it", async () => {
    const follower = await following("1\n2\n");
    pollOnce(follower.partition, 1);
    const position = stored(follower.partition.position!(1));
    const { files } = follower;
    files.put(`${PATH}.bak`, files.text(PATH));
    files.move(PATH, `${PATH}.2`);
    files.put(`${PATH}.1`, "3\n");
    files.put(PATH, "4\n");
    await follower.start(position);
    assert.deepEqual(await follower.settle(), [2, 3, 4]);
    await follower.close();
  });

  const after = async (change: (files: MemoryFiles) => Promise<void> | void) => {
    const follower = await following("1\n2\n3\n");
    pollOnce(follower.partition, 1);
    const position = stored(follower.partition.position!(1));
    await change(follower.files);
    try {
      await follower.start(position);
    } finally {
      assert.equal(follower.files.open.size, 0);
      assert.equal(follower.timers.waiting.size, 0);
    }
  };

  test("is told of when it is gone, cut short or changed while no run held it", async () => {
    await assert.rejects(
      after((files) => files.put(PATH, "4\n5\n")),
      lost(/logs\/app.log can't be read on from byte 2: the file that was being read is gone/),
    );
    await assert.rejects(
      after((files) => files.overwrite(PATH, "")),
      lost(/only 0 bytes/),
    );
    await assert.rejects(
      after((files) => files.overwrite(PATH, "9\n8\n")),
      lost(/changed/),
    );
    await assert.rejects(
      after((files) => files.remove(PATH)),
      lost(/gone/),
    );
    const follower = await following("1\n");
    const beginning = follower.position();
    follower.files.put(PATH, "2\n");
    await assert.rejects(follower.start(beginning), lost(/gone/), "also where nothing of it was read");
  });

  test("is told of when one of those after it was packed or is missing, in a run too", async () => {
    const rotate = (files: MemoryFiles, next: string) => {
      files.move(PATH, `${PATH}.3`);
      files.put(next, "?");
      files.put(`${PATH}.1`, "3\n");
      files.put(PATH, "4\n");
    };
    await assert.rejects(
      after((files) => rotate(files, `${PATH}.2.gz`)),
      lost(/app.log.2.gz was packed before it was read/),
    );
    await assert.rejects(
      after((files) => rotate(files, "logs/other")),
      lost(/number 2 of the rotated files is missing/),
    );
    const follower = await following("1\n");
    await follower.drain();
    rotate(follower.files, `${PATH}.2.gz`);
    await follower.timers.fire();
    assert.throws(() => pollOnce(follower.partition, 1), lost(/packed/));
    await follower.close();
  });

  test("may be rotated while it is looked for", async () => {
    const follower = await following("1\n2\n");
    pollOnce(follower.partition, 1);
    const position = stored(follower.partition.position!(1));
    let moves = 5;
    const { files } = follower;
    const { openRead } = files;
    files.openRead = (path) => {
      if (moves > 0) {
        for (let age = 6 - moves; age > 0; age--) {
          files.move(age === 1 ? PATH : `${PATH}.${age - 1}`, `${PATH}.${age}`);
        }
        files.put(PATH, `${10 - moves--}\n`);
      }
      return openRead.call(files, path);
    };
    await follower.start(position);
    assert.deepEqual(await follower.settle(), [2, 5, 6, 7, 8, 9]);
    await follower.close();
  });

  test("may be rotated between the list of names and the look at each", async () => {
    const follower = await following("1\n");
    await follower.drain();
    const { files } = follower;
    const { list } = files;
    let day = 1;
    files.list = async (folder) => {
      const names = await list.call(files, folder);
      if (++day < 5) {
        files.move(PATH, `${PATH}-2026010${day}`);
        files.put(PATH, `${day + 1}\n`);
      }
      return names;
    };
    files.move(PATH, `${PATH}-20260101`);
    files.put(PATH, "2\n");
    assert.deepEqual(await follower.settle(), [2, 3, 4, 5]);
    await follower.close();
  });

  test("loses, doubles and moves no line, whoever does what when", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ do: "write" } as const) },
      { weight: 1, arbitrary: fc.constant({ do: "write a part" } as const) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("rotate" as const), create: fc.boolean() }) },
      { weight: 2, arbitrary: fc.constant({ do: "reopen" } as const) },
      { weight: 3, arbitrary: fc.constant({ do: "look" } as const) },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("poll" as const), max: fc.integer({ min: 1, max: 5 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant("commit" as const),
          part: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ do: "crash" } as const) },
    );
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.boolean(),
      async (steps, dated) => {
        const follower = await following("");
        const { files } = follower;
        let generations = 0;
        /** The name that the file has now to which the writer writes. */
        let target = PATH;
        let id = 0;
        let unfinished = false;
        const finish = () => {
          if (unfinished) files.append(target, `${id++}}\n`);
          unfinished = false;
        };
        const rotate = async (create: boolean) => {
          if ((await files.stat(PATH)) === null) return;
          generations++;
          for (let age = generations; age > 1 && !dated; age--) {
            files.move(`${PATH}.${age - 1}`, `${PATH}.${age}`);
            if (target === `${PATH}.${age - 1}`) target = `${PATH}.${age}`;
          }
          const name = dated ? `${PATH}-${20260100 + generations}` : `${PATH}.1`;
          files.move(PATH, name);
          if (target === PATH) target = name;
          if (create) files.put(PATH, "");
        };

        let seen: unknown[] = [];
        let last: unknown[] = [];
        let committed = { records: 0, position: follower.position() };
        for (const one of steps) {
          if (one.do === "write") {
            finish();
            files.append(target, `{"id":${id++}}\n`);
          } else if (one.do === "write a part") {
            if (!unfinished) files.append(target, '{"id":');
            unfinished = true;
          } else if (one.do === "rotate") {
            await rotate(one.create);
          } else if (one.do === "reopen") {
            finish();
            if ((await files.stat(PATH)) === null) files.put(PATH, "");
            target = PATH;
          } else if (one.do === "look") {
            await follower.timers.fire();
          } else if (one.do === "poll") {
            last = pollOnce(follower.partition, one.max);
            seen.push(...last);
            await follower.timers.yield();
          } else if (one.do === "commit") {
            const index = Math.round(one.part * last.length);
            const position = stored(follower.partition.position!(index));
            committed = { records: seen.length - last.length + index, position };
          } else {
            await follower.start(committed.position);
            seen = seen.slice(0, committed.records);
            last = [];
          }
        }
        finish();
        if ((await files.stat(PATH)) === null) files.put(PATH, "");
        files.append(PATH, `{"id":${id++}}\n`);
        for (let i = 0; i <= generations; i++) seen.push(...(await follower.settle()));
        await follower.close();
        assert.deepEqual(
          seen,
          Array.from({ length: id }, (_, i) => ({ id: i })),
        );
        assert.deepEqual(follower.rejected, []);
      },
    );
    await fc.assert(property, propertyOptions(400));
  });
});

describe("a followed file that is emptied", () => {
  test("is read from its beginning, in a run", async () => {
    const follower = await following("1\n2\n3");
    await follower.drain();
    follower.files.overwrite(PATH, "");
    assert.deepEqual(await follower.look(), []);
    follower.files.append(PATH, "4\n");
    assert.deepEqual(await follower.look(), [4], "the unfinished line went with the rest");
    assert.deepEqual(follower.lines, [1]);
    const position = follower.position();
    follower.files.append(PATH, "5\n");
    await follower.start(position);
    assert.deepEqual(await follower.settle(), [5]);
    await follower.close();
  });

  test("gives what was read of it before, in a poll of its own, with its positions", async () => {
    const follower = await following("1\n2\n3\n");
    assert.deepEqual(pollOnce(follower.partition, 1), [1]);
    follower.files.overwrite(PATH, "4\n");
    await follower.timers.fire();
    await follower.woken();
    assert.deepEqual(pollOnce(follower.partition, 10), [2, 3]);
    assert.equal((follower.partition.position!(2) as { offset: number }).offset, 6);
    await follower.woken();
    assert.deepEqual(await follower.drain(), [4]);
    await follower.close();
  });
});

test("a real file is followed through growth, rotation and emptying", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-follow-"));
  const path = join(folder, "app.log");
  try {
    const source = ndjson<number>(path, { follow: true, pollEvery: 5 });
    const opened = await openSource(source);
    const [partition] = opened.partitions;
    const seen: number[] = [];
    let position: Json = null;
    const until = async (count: number) => {
      while (seen.length < count) {
        const given = pollOnce(partition!, 2);
        seen.push(...given);
        if (seen.length === 3) position = stored(partition!.position!(given.length));
        if (given.length < 2 && seen.length < count) await opened.woken();
      }
    };
    writeFileSync(path, "1\n");
    await until(1);
    appendFileSync(path, "2\n3\n");
    await until(3);
    appendFileSync(path, "4\n");
    renameSync(path, `${path}.1`);
    writeFileSync(path, "5\n");
    await until(5);
    truncateSync(path);
    await new Promise((resolve) => setTimeout(resolve, 50));
    appendFileSync(path, "6\n");
    await until(6);
    await partition!.close();
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);

    const again = await openSource(source, undefined, undefined, new Map([[path, position]]));
    const more: number[] = [];
    while (more.length < 2) {
      const given = pollOnce(again.partitions[0]!, 10);
      more.push(...given);
      if (more.length < 2) await again.woken();
    }
    await again.partitions[0]!.close();
    assert.deepEqual(more, [4, 6]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
