/** Runs the killed job, kills it at random instants and starts it again until its input is done. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, globSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import { type Backend, type Delivery, INPUT, type Visit } from "./killed-job.ts";

const JOB = join(import.meta.dirname, "killed-job.ts");

/** The input: users come back after pauses, pages are skewed, records are up to 2 s out of order, some are later. */
export async function writeInput(folder: string, records: number, random: () => number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = createWriteStream(join(folder, INPUT));
  for (let id = 0; id < records; id++) {
    const late = random() < 0.01 ? 6000 : 2000;
    const visit: Visit = {
      id,
      user: `user-${Math.floor(random() * 3000)}`,
      page: Math.floor(random() * random() * 800),
      ms: Math.floor(random() * 1000),
      at: 1_700_000_000_000 + id - Math.floor(random() * late),
    };
    if (!file.write(`${JSON.stringify(visit)}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

/** One run; killed after `killAfterMs` of running where that is given. True when it ended by itself. */
export async function runOnce(
  folder: string,
  backend: Backend,
  delivery: Delivery,
  killAfterMs: number | null,
): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const child = spawn(process.execPath, ["--conditions=millrace-source", JOB, folder, backend, delivery], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const exited = once(child, "exit");
  if (killAfterMs !== null) await Promise.race([killLater(child, killAfterMs), exited]);
  const [code, signal] = await exited;
  if (signal === "SIGKILL" && killAfterMs !== null) return false;
  if (code !== 0) throw new Error(`the job ended with ${code ?? signal}:\n${errors}`);
  return true;
}

async function killLater(child: ChildProcess, afterMs: number): Promise<void> {
  await once(child.stdout as NodeJS.ReadableStream, "data");
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill("SIGKILL");
}

/** Kills the job `kills` times, then lets it end. Returns how often it was killed in truth. */
export async function killAndRestart(
  folder: string,
  backend: Backend,
  delivery: Delivery,
  kills: number,
  killAfterMs: () => number,
): Promise<number> {
  for (let killed = 0; killed < kills; killed++)
    if (await runOnce(folder, backend, delivery, killAfterMs())) return killed;
  await runOnce(folder, backend, delivery, null);
  return kills;
}

/** What readers see of the output: by the file's path, its content. */
export function outputOf(folder: string): Map<string, string> {
  const paths = globSync("{echo,sessions,pages,quiet}/**/*.ndjson", { cwd: folder })
    .filter((path) => !path.split("/").some((name) => name.startsWith(".") || name.startsWith("_")))
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/** The rows of one output, from all of its files. */
export function rowsOf(folder: string, output: string): string[] {
  const text = [...outputOf(folder)].filter(([path]) => path.startsWith(`${output}/`)).map(([, t]) => t);
  return text
    .join("")
    .split("\n")
    .filter((line) => line !== "");
}
