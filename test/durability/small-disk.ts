/** A disk of its own, small enough to be filled: a tmpfs, which only root can mount. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";

const PIECE = Buffer.alloc(1024 * 1024);

export class SmallDisk {
  private readonly folder: string;
  private readonly ballast: string;

  /** @throws where the machine lets nobody mount: these tests can't be run there, and may not pass there either */
  constructor(folder: string, mebibytes: number) {
    this.folder = folder;
    this.ballast = join(folder, "ballast");
    mkdirSync(folder, { recursive: true });
    const options = `size=${mebibytes}m,mode=755,uid=${process.getuid?.()}`;
    asRoot("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder);
  }

  /** Leaves no more than `leave` bytes free. */
  fill(leave = 0): void {
    const file = openSync(this.ballast, "a");
    try {
      for (;;) writeSync(file, PIECE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
    truncateSync(this.ballast, Math.max(0, statSync(this.ballast).size - leave));
  }

  free(): void {
    rmSync(this.ballast, { force: true });
  }

  readOnly(is: boolean): void {
    asRoot("mount", "-o", `remount,${is ? "ro" : "rw"}`, this.folder);
  }

  unmount(): void {
    // Lazily: a process that is still dying doesn't matter.
    asRoot("umount", "-l", this.folder);
  }
}

function asRoot(command: string, ...args: string[]): void {
  const line = process.getuid?.() === 0 ? [command, ...args] : ["sudo", "-n", command, ...args];
  const { status, stderr, error } = spawnSync(line[0], line.slice(1), { encoding: "utf8" });
  if (status === 0) return;
  throw new Error(
    `A full disk is tested on a small tmpfs, and this user can't mount one: run the test as root, or let it use sudo. (${line.join(" ")}: ${error?.message ?? stderr.trim()})`,
  );
}
