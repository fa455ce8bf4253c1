/** Runs of the job that meets faults, here or in a process of their own, and what they leave behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RunOptions, RunReport } from "../../src/index.ts";
import {
  faultedJob,
  outOf,
  type Scene,
  stateOf,
  untilEpoch,
  type Verdict,
  verdictOf,
  OUTPUTS,
  type Output,
} from "./faulted-job.ts";
import { writeInput } from "./kill.ts";
import { type Backend, INPUT } from "./killed-job.ts";
import { seededRandom } from "./random.ts";

const JOB = join(import.meta.dirname, "faulted-job.ts");
const RECORDS = 12_000;

export const BACKENDS: readonly Backend[] = ["memory", "rocksdb"];
/** Where a run is in the middle: three epochs are decided, and most of the input is left. */
export const MIDDLE = 3;

/** The input of all scenes below `root`. */
export const writeSceneInput = (root: string): Promise<void> =>
  writeInput(root, RECORDS, seededRandom("faults"));

/** A scene below `root`, by default an exactly-once job with sinks that keep it. */
export function sceneIn(
  root: string,
  name: string,
  backend: Backend,
  options: Partial<Pick<Scene, "guarantee" | "transactional">> = {},
): Scene {
  const scene: Scene = {
    folder: join(root, name),
    input: join(root, INPUT),
    backend,
    guarantee: "exactly-once",
    transactional: OUTPUTS,
    ...options,
  };
  for (const folder of [stateOf(scene), outOf(scene)]) mkdirSync(folder, { recursive: true });
  return scene;
}

/** One run in this process. @param stopAt the epoch from which on it is stopped; default: it runs to its end */
export async function runHere(
  scene: Scene,
  { stopAt, ...options }: RunOptions & { readonly stopAt?: number | undefined } = {},
): Promise<Verdict> {
  const stop = new AbortController();
  const job = faultedJob(scene, async () => {
    if (stopAt !== undefined) await untilEpoch(scene, stopAt, () => stop.abort());
  });
  let report: RunReport;
  try {
    report = await job.run({ handleSignals: false, signal: stop.signal, ...options });
  } catch (error) {
    return verdictOf(error);
  }
  assert.equal(report.stopped, stopAt !== undefined, "whether it was stopped in its middle");
  return { ended: true };
}

/** A run in a process of its own. */
export interface Child {
  readonly pid: number;
  /** Lets a paused one go on; what it ended with. */
  goOn(): Promise<Verdict>;
  /** kill -9 */
  kill(): Promise<void>;
}

/** A run in a process of its own, in its middle, where it pauses. @param uid of the user whose process it is */
export async function pausedChild(scene: Scene, uid?: number): Promise<Child> {
  const { child, said, exited } = spawnJob(scene, MIDDLE, uid);
  while (!said().includes("paused")) {
    const more = await Promise.race([once(child.stdout, "data"), exited.then(() => null)]);
    assert.ok(more !== null || said().includes("paused"), `it ended before its middle: ${said()}`);
  }
  return {
    pid: child.pid as number,
    async goOn() {
      child.stdin.end();
      await exited;
      return verdictIn(said());
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** A whole run in a process of its own. */
export async function runChild(scene: Scene, uid?: number): Promise<Verdict> {
  const { said, exited } = spawnJob(scene, null, uid);
  await exited;
  return verdictIn(said());
}

function spawnJob(scene: Scene, pauseAt: number | null, uid?: number) {
  const args = ["--conditions=millrace-source", JOB, JSON.stringify({ ...scene, pauseAt })];
  const user = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"], ...user });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece) => {
      text += piece;
    });
  }
  return { child, said: () => text, exited: once(child, "close") };
}

function verdictIn(said: string): Verdict {
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, /^\{.*\}$/, `it ended without a verdict:\n${said}`);
  return JSON.parse(last);
}

/** Every file below a folder: by its path, a digest of its content. */
export function filesIn(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (!statSync(join(folder, path)).isFile()) continue;
    found.set(
      path,
      createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex"),
    );
  }
  return found;
}

/** What readers see of the output: by the file's path, its content. */
export function outputOf(scene: Scene): Map<string, string> {
  const paths = readdirSync(outOf(scene), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ndjson") && !path.split("/").some((name) => /^[._]/.test(name)))
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(join(outOf(scene), path), "utf8")]));
}

/** The rows of an output, from all of its files. */
export function rowsOf(scene: Scene, output: Output): string[] {
  const texts = [...outputOf(scene)].filter(([path]) => path.startsWith(output)).map(([, text]) => text);
  return texts.flatMap((text) => text.split("\n")).filter((line) => line !== "");
}

export function assertSameOutput(scene: Scene, undisturbed: Scene): void {
  const [actual, expected] = [outputOf(scene), outputOf(undisturbed)];
  assert.ok(expected.size > 5, "there is output to compare");
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [path, text] of expected) assert.ok(actual.get(path) === text, `${path} differs`);
}

/** Rows of the undisturbed run, each of them, and of the echo some twice. */
export function assertRepeated(scene: Scene, undisturbed: Scene): void {
  for (const output of OUTPUTS) {
    const [actual, expected] = [rowsOf(scene, output), rowsOf(undisturbed, output)];
    assert.deepEqual(new Set(actual), new Set(expected), output);
    if (output === "echo") assert.ok(actual.length > expected.length, "nothing was repeated");
  }
}

/** The run failed so. @param says what the error's text must hold */
export function assertFailed(verdict: Verdict, code: string | readonly string[], says: RegExp): void {
  assert.ok("code" in verdict, `it ended well, and was to fail with ${code}`);
  assert.ok([code].flat().includes(verdict.code), `${verdict.code}: ${verdict.message}`);
  assert.match(verdict.message, says);
}
