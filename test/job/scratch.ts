/** A folder for the files of one test file, and time that passes as soon as somebody waits for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Ports, systemPorts } from "../../src/core/ports.ts";

/** Gives paths below a folder that is removed after the tests. */
export function scratch(): (...names: string[]) => string {
  const root = mkdtempSync(join(tmpdir(), "millrace-job-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  return (...names) => join(root, ...names);
}

/** Ports whose clock jumps to the end of each wait. */
export function hastyPorts(): { readonly ports: Ports; readonly waitsMs: number[]; pass(ms: number): void } {
  let now = 1_700_000_000_000;
  const waitsMs: number[] = [];
  const ports: Ports = {
    ...systemPorts,
    clock: { now: () => now, monotonic: () => now },
    timers: {
      after(ms, callback) {
        waitsMs.push(ms);
        const timer = setImmediate(() => {
          now += ms;
          callback();
        });
        return () => clearImmediate(timer);
      },
      yield: systemPorts.timers.yield,
    },
  };
  return {
    ports,
    waitsMs,
    pass(ms) {
      now += ms;
    },
  };
}
