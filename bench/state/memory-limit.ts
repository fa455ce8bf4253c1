/**
 * A memory limit that the kernel enforces: a control group of the process's own, in whichever of the two versions of
 * the interface the machine has. The files that the processes read count too, as far as they are cached; the kernel
 * takes back such pages before it refuses memory.
 *
 * Making a group takes rights that a container mostly does not give; `limitMemory` is then null.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where a group is made, and the file that has its limit. */
const INTERFACES = [
  { root: "/sys/fs/cgroup", limit: "memory.max" },
  { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
] as const;

export interface MemoryLimit {
  /** Starts a program within the limit: goes before its command. */
  readonly prefix: readonly string[];
  /** After the programs have ended. */
  remove(): void;
}

export function limitMemory(bytes: number): MemoryLimit | null {
  for (const { root, limit } of INTERFACES) {
    const group = join(root, `millrace-bench-${process.pid}`);
    try {
      mkdirSync(group);
      if (!existsSync(join(group, limit))) throw new Error(`${group} has no ${limit}`);
      writeFileSync(join(group, limit), `${bytes}`);
      return {
        prefix: ["sh", "-c", 'echo $$ > "$0" && exec "$@"', join(group, "cgroup.procs")],
        remove: () => rmdirSync(group),
      };
    } catch {
      // Not this interface, or not allowed.
      if (existsSync(group)) rmdirSync(group);
    }
  }
  return null;
}
