/**
 * A job that fails while an epoch is being decided, and starts again in the same process at once: nothing of the failed
 * attempt is still at work on the files of the next one (INV-4).
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import { MillraceError } from "../../src/index.ts";
import { faultedJob } from "./faulted-job.ts";
import { assertSameOutput, BACKENDS, runHere, sceneIn, writeSceneInput } from "./scenes.ts";

const FAILURES = 2;

describe("a job that fails while an epoch is being decided", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-restart-"));
  before(() => writeSceneInput(root));
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    test(`goes on exactly when it starts again at once, on ${backend} (INV-4)`, async () => {
      const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
      assert.deepEqual(await runHere(undisturbed), { ended: true });
      const scene = sceneIn(root, `restarted-${backend}`, backend);
      const disk = new SlowDisk();
      let failures = 0;
      const job = faultedJob(scene, async () => {
        if (failures === FAILURES) return;
        for (let waits = 0; !disk.isDeciding && waits < 20; waits++) await sleep(5);
        if (!disk.isDeciding) return;
        failures += 1;
        throw new MillraceError("SOURCE_FAILED", "the input is gone");
      });
      const atWork: number[] = [];
      const report = await job.run({
        handleSignals: false,
        ports: disk.ports,
        restart: { attempts: FAILURES, backoff: 1 },
        onNote: () => atWork.push(disk.pending),
      });
      assert.equal(report.restarts, FAILURES);
      assert.deepEqual(atWork, Array(FAILURES).fill(0), "changes of files under way at a new start");
      assertSameOutput(scene, undisturbed);
    });
  }
});

/** The machine, where decisions, renamed parts and appends to a file take a while. */
class SlowDisk {
  isDeciding = false;
  /** Slow changes that are under way. */
  pending = 0;

  readonly ports: Ports = {
    ...systemPorts,
    files: {
      ...systemPorts.files,
      rename: (from, to) => this.rename(from, to),
      openAppend: async (path, sizeBytes) => {
        const file = await systemPorts.files.openAppend(path, sizeBytes);
        if (!path.endsWith("quiet.ndjson")) return file;
        return { ...file, write: (data) => this.slowly(30, () => file.write(data)) };
      },
    },
  };

  private async rename(from: string, to: string): Promise<void> {
    const isDecision = to.includes("manifest-");
    this.isDeciding ||= isDecision;
    await this.slowly(isDecision ? 60 : 20, () => systemPorts.files.rename(from, to));
    if (isDecision) this.isDeciding = false;
  }

  private async slowly(ms: number, change: () => Promise<void>): Promise<void> {
    this.pending += 1;
    await sleep(ms);
    await change().finally(() => {
      this.pending -= 1;
    });
  }
}
