import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  chooseManifest,
  commitsDue,
  type ManifestFact,
  mayStartEpoch,
  nextGeneration,
  shortFile,
  sinkVerdict,
  tails,
  unneeded,
} from "../../src/epoch/decide.ts";
import type { Manifest } from "../../src/epoch/manifest.ts";
import { manifestName } from "../../src/epoch/names.ts";
import type { LogContent } from "../../src/epoch/position.ts";

const manifest = (generation: number, epoch: number, logs: LogContent[] = []): Manifest => ({
  format: 1,
  job: "orders",
  generation,
  epoch,
  createdAt: 0,
  ended: false,
  logs,
  body: null,
});

const sound = (generation: number, epoch: number): ManifestFact => {
  const read = manifest(generation, epoch);
  return { name: manifestName(read), generation, epoch, read };
};

const damaged = (generation: number, epoch: number): ManifestFact => ({
  ...sound(generation, epoch),
  read: { fault: "its checksum doesn't fit" },
});

const choose = (...manifests: ManifestFact[]) => chooseManifest({ manifests, segments: new Map() });

/** log 0: 30 bytes of segment 2, all 50 of segment 3, and 20 of segment 4. */
const content: LogContent = {
  from: { segment: 2, bytes: 10 },
  to: { segment: 4, bytes: 20 },
  sealed: [40, 50],
};

describe("the manifest that a job goes on from", () => {
  it("is the newest one", () => {
    const choice = choose(sound(1, 8), sound(1, 9));
    assert.ok(choice.kind === "go on");
    assert.equal(choice.manifest.epoch, 9);
    assert.deepEqual(choice.damaged, []);
  });

  it("is the newest sound one, and the damaged ones behind it are named", () => {
    const choice = choose(damaged(1, 7), sound(1, 8), damaged(2, 9), damaged(2, 10));
    assert.ok(choice.kind === "go on");
    assert.equal(choice.manifest.epoch, 8);
    assert.deepEqual(
      choice.damaged.map(({ epoch }) => epoch),
      [10, 9],
    );
  });

  it("is one of the highest generation: a run that went back to an older epoch is newer", () => {
    const choice = choose(sound(3, 12), sound(4, 11));
    assert.ok(choice.kind === "go on");
    assert.equal(choice.manifest.epoch, 11);
  });

  it("is none at the first start, where all are damaged, and where there are logs alone", () => {
    assert.equal(choose().kind, "first start");
    assert.equal(choose(damaged(1, 1), damaged(1, 2)).kind, "none is sound");
    const logs = new Map([["log-0-0.bin", 10]]);
    assert.equal(chooseManifest({ manifests: [], segments: logs }).kind, "logs without a manifest");
  });

  it("gets a generation above all that there were, damaged ones too", () => {
    assert.equal(nextGeneration([]), 1);
    assert.equal(nextGeneration([sound(3, 12), damaged(5, 11)]), 6);
  });
});

describe("the segments of an epoch", () => {
  const facts = (sizes: Record<string, number>) => ({
    manifests: [],
    segments: new Map(Object.entries(sizes)),
  });
  const whole = { "log-0-2.bin": 40, "log-0-3.bin": 50, "log-0-4.bin": 20 };
  const epoch = manifest(1, 1, [content]);

  it("are short where one lacks a byte or is missing", () => {
    assert.equal(shortFile(epoch, facts(whole)), undefined);
    for (const name of ["log-0-2.bin", "log-0-3.bin", "log-0-4.bin"] as const) {
      assert.equal(shortFile(epoch, facts({ ...whole, [name]: whole[name] - 1 }))?.name, name);
      const { [name]: _, ...rest } = whole;
      assert.equal(shortFile(epoch, facts(rest))?.name, name);
    }
  });

  it("have a tail where one is longer than the manifest says", () => {
    assert.deepEqual(tails(epoch, facts(whole)), []);
    assert.deepEqual(tails(epoch, facts({ ...whole, "log-0-4.bin": 21 })), [
      { name: "log-0-4.bin", bytes: 20 },
    ]);
  });
});

describe("what can go", () => {
  const older = manifest(1, 1, [
    { from: { segment: 1, bytes: 0 }, to: { segment: 2, bytes: 30 }, sealed: [9] },
  ]);
  const newer = manifest(1, 2, [content]);
  const names = [
    "LOCK",
    "rocksdb",
    manifestName(manifest(1, 0)),
    manifestName(older),
    manifestName(newer),
    `${manifestName(manifest(1, 3))}.tmp`,
    ...[0, 1, 2, 3, 4, 5].map((segment) => `log-0-${segment}.bin`),
    "log-1-0.bin",
  ];
  const manifests = [manifestName(manifest(1, 0)), `${manifestName(manifest(1, 3))}.tmp`];

  it("is what neither kept manifest needs; what a run writes ahead stays", () => {
    assert.deepEqual(unneeded(names, [older, newer], true), {
      manifests,
      segments: ["log-0-0.bin", "log-1-0.bin"],
    });
    assert.deepEqual(unneeded(names, [newer], true).segments, ["log-0-0.bin", "log-0-1.bin", "log-1-0.bin"]);
  });

  it("is also what lies ahead, where no run writes", () => {
    assert.deepEqual(unneeded(names, [older, newer], false), {
      manifests,
      segments: ["log-0-0.bin", "log-0-5.bin", "log-1-0.bin"],
    });
  });

  it("is never what has another name", () => {
    const foreign = [
      "LOCK",
      "LOCK.17",
      "manifest.json",
      "log-0.bin",
      "log-a-b.bin",
      "notes.txt",
      "manifest-1-1.json",
    ];
    assert.deepEqual(unneeded(foreign, [newer], false), { manifests: [], segments: [] });
  });
});

describe("a sink", () => {
  it("is ahead of the state if it shows an epoch that was not decided", () => {
    assert.equal(sinkVerdict({ decided: 7, lastEpoch: null }), "go on");
    assert.equal(sinkVerdict({ decided: 7, lastEpoch: 5 }), "go on");
    assert.equal(sinkVerdict({ decided: 7, lastEpoch: 7 }), "go on");
    assert.equal(sinkVerdict({ decided: 7, lastEpoch: 8 }), "STATE_BEHIND_SINK");
  });

  it("commits at recovery what was decided, in order, and nothing else", () => {
    const waiting = [{ epoch: 7 }, { epoch: 6 }, { epoch: 8 }];
    assert.deepEqual(commitsDue({ decided: 7, waiting }), [{ epoch: 6 }, { epoch: 7 }]);
  });
});

describe("a barrier", () => {
  it("may start while fewer than two decided epochs wait for a sink", () => {
    assert.equal(mayStartEpoch({ decided: 5, committed: 5 }), true);
    assert.equal(mayStartEpoch({ decided: 5, committed: 4 }), true);
    assert.equal(mayStartEpoch({ decided: 5, committed: 3 }), false);
    assert.equal(mayStartEpoch({ decided: 5, committed: 3, limit: 3 }), true);
  });
});
