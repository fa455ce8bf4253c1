/** A followed file in the hands of a test: its folder in memory, time that stands still, one run after the other. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Json } from "../../src/core/json.ts";
import { ndjson } from "../../src/connector/index.ts";
import { ManualTimers } from "./manual-timers.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource, pollOnce } from "./poll-all.ts";
import { stored } from "./replay.ts";

export const PATH = "logs/app.log";

export class Follower {
  readonly files: MemoryFiles;
  readonly timers = new ManualTimers();
  /** Origins' lines of what the last `drain` gave. */
  lines: (number | undefined)[] = [];
  rejected: readonly { readonly line?: number }[] = [];
  /** As Opened.woken. */
  woken: () => Promise<void> = async () => {};
  #partition: Awaited<ReturnType<typeof openSource<unknown>>>["partitions"][number] | undefined;

  constructor(files: MemoryFiles) {
    this.files = files;
  }

  get partition() {
    return this.#partition!;
  }

  /** Begins a run; one that is under way is left as a crash leaves it. */
  async start(position?: Json): Promise<void> {
    await this.#partition?.close();
    this.#partition = undefined;
    const ports = { ...this.files.ports, timers: this.timers };
    const positions = position === undefined ? null : new Map([[PATH, stored(position)]]);
    const opened = await openSource(ndjson<unknown>(PATH, { follow: true }), ports, undefined, positions);
    this.rejected = opened.rejected;
    this.woken = opened.woken;
    this.#partition = opened.partitions[0]!;
    await turn();
  }

  /** What is there now, as far as it needs no further look at the folder. */
  async drain(max = 10): Promise<unknown[]> {
    const records: unknown[] = [];
    this.lines = [];
    for (let silent = 0; silent < 3; ) {
      const given = pollOnce(this.partition, max);
      records.push(...given);
      for (const i of given.keys()) this.lines.push(this.partition.locate(i).line);
      silent = given.length === 0 ? silent + 1 : 0;
      await turn();
    }
    assert.equal(this.partition.ended, false);
    return records;
  }

  /** The next look at the folder, and what it leads to. */
  async look(): Promise<unknown[]> {
    await this.timers.fire();
    return this.drain();
  }

  /** As many looks as anything can take. */
  async settle(): Promise<unknown[]> {
    const records: unknown[] = await this.drain();
    for (let looks = 0; looks < 4; looks++) records.push(...(await this.look()));
    return records;
  }

  position(): Json {
    return stored(this.partition.position!(0));
  }

  /** Ends, and holds nothing any more. */
  async close(): Promise<void> {
    await this.partition.close();
    assert.equal(this.timers.waiting.size, 0, "a timer runs on");
    assert.equal(this.files.open.size, 0, "a file is open");
  }
}

/** Follows the file with this content; all that is there is read. */
export async function following(content: string): Promise<Follower> {
  const follower = new Follower(new MemoryFiles({ [PATH]: content }));
  await follower.start();
  return follower;
}
