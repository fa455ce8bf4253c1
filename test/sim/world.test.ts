/** The simulated world itself: the same seed is the same run, and what is not durable can be lost. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scenarioOf } from "../../sim/case/scenario.ts";
import { PLANTED_BUGS } from "../../sim/engine/planted.ts";
import { shrink } from "../../sim/shrink.ts";
import { simulate } from "../../sim/simulate.ts";
import { Dice } from "../../sim/world/dice.ts";
import { Disk, type Inode } from "../../sim/world/disk.ts";
import { FAULT_KINDS } from "../../sim/world/faults.ts";
import { StoredRows } from "../../sim/world/store.ts";

describe("a seed", () => {
  it("gives the same events each time, and other seeds give others", async () => {
    const hashes = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const [one, two] = [await simulate(scenarioOf(String(seed))), await simulate(scenarioOf(String(seed)))];
      assert.deepEqual(two, one);
      hashes.add(one.hash);
    }
    assert.equal(hashes.size, 20);
  });

  it("draws its own faults: forty of them have every kind, and most die more than once", async () => {
    const faults: string[] = [];
    let lives = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const outcome = await simulate(scenarioOf(String(seed)));
      faults.push(...outcome.faults);
      lives += outcome.lives;
    }
    const words = { crash: "process", power: "power", "disk-full": "ENOSPC" } as Record<string, string>;
    for (const kind of FAULT_KINDS.filter((one) => one !== "slow")) {
      const says = words[kind] ?? kind.replace("-", " ");
      assert.ok(
        faults.some((fault) => fault.includes(says)),
        `${kind} never happens`,
      );
    }
    assert.ok(lives > 3 * 40);
  });

  it("that fails is made smaller, and goes on failing", async () => {
    const bug = PLANTED_BUGS[0];
    const outcome = await simulate(scenarioOf(String(bug.seed)), { bug });
    assert.notEqual(outcome.violation, null);
    const { trims } = await shrink(String(bug.seed), {}, outcome, { bug });
    const longest = (items: readonly { length: number }[]): number => Math.max(...items.map((i) => i.length));
    const [before, after] = [{}, trims].map((t) =>
      longest(scenarioOf(String(bug.seed), t).case.inputs.flat()),
    );
    assert.ok(after < before, `${after} items of ${before}`);
    assert.notEqual((await simulate(scenarioOf(String(bug.seed), trims), { bug })).violation, null);
  });
});

describe("a disk that loses its power", () => {
  const written = (sync: boolean): Disk => {
    const disk = new Disk(["/"]);
    const inode: Inode = disk.inode();
    disk.rename([["/file", inode]]);
    inode.append(Buffer.from("abcdef"));
    if (sync) {
      inode.sync();
      disk.syncFolder("/");
    }
    return disk;
  };
  const after = (sync: boolean): Set<string> => {
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const disk = written(sync);
      disk.losePower(new Dice(`disk ${i}`));
      seen.add(disk.content("/file")?.toString() ?? "none");
    }
    return seen;
  };

  it("keeps what was synced", () => assert.deepEqual(after(true), new Set(["abcdef"])));

  it("keeps all, a part or nothing of what was not", () => {
    const seen = after(false);
    for (const content of ["none", "", "abc", "abcdef"]) assert.ok(seen.has(content), content);
  });

  it("may keep a write and lose the one before it", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const disk = written(true);
      const inode = disk.names.get("/file") as Inode;
      inode.append(Buffer.from("gh"));
      inode.append(Buffer.from("ij"));
      disk.losePower(new Dice(`hole ${i}`));
      seen.add(disk.content("/file")?.toString() ?? "none");
    }
    assert.ok(seen.has("abcdef\0\0ij"));
  });
});

describe("a store that loses its power", () => {
  it("goes back to an apply since the last flush, with its position", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const stored = new StoredRows();
      for (let n = 1; n <= 4; n++) {
        stored.apply({ changes: [{ address: `row ${n}`, value: new Uint8Array([n]) }], position: `${n}` });
        if (n === 2) stored.flush();
      }
      stored.losePower(new Dice(`store ${i}`));
      seen.add(`${stored.rows.size} at ${stored.position}`);
    }
    assert.deepEqual([...seen].sort(), ["2 at 2", "3 at 3", "4 at 4"]);
  });
});
