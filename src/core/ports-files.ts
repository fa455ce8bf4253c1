/** The files of the real machine. */
import { readFileSync } from "node:fs";
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import type { Files, OutputFile } from "./ports.ts";

export const systemFiles: Files = {
  async openRead(path) {
    const handle = await open(path, "r");
    const { size, dev, ino } = await handle.stat();
    return {
      sizeBytes: size,
      identity: `${dev}:${ino}`,
      async read(into, position) {
        let n = 0;
        while (n < into.length) {
          const { bytesRead } = await handle.read(into, n, into.length - n, position + n);
          if (bytesRead === 0) break;
          n += bytesRead;
        }
        return n;
      },
      size: async () => (await handle.stat()).size,
      close: () => handle.close(),
    };
  },

  openWrite: async (path) => outputFile(await open(path, "w")),

  async openAppend(path, sizeBytes) {
    const handle = await open(path, "a");
    try {
      const { size } = await handle.stat();
      if (size < sizeBytes) throw new Error(`it has ${size} bytes and should have ${sizeBytes}`);
      if (size > sizeBytes) await handle.truncate(sizeBytes);
      return outputFile(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  },

  async stat(path) {
    try {
      const { size, dev, ino, isDirectory } = await stat(path).then((s) => ({
        size: s.size,
        dev: s.dev,
        ino: s.ino,
        isDirectory: s.isDirectory(),
      }));
      return { sizeBytes: size, identity: `${dev}:${ino}`, isFolder: isDirectory };
    } catch (error) {
      return absent(error, null);
    }
  },

  async list(folder) {
    try {
      return (await readdir(folder)).sort();
    } catch (error) {
      return absent(error, []);
    }
  },

  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),

  async syncFolder(path) {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async lock(path) {
    const own = `${path}.${process.pid}`;
    try {
      await writeFile(own, `${process.pid} ${startOf(process.pid)}`);
      for (;;) {
        try {
          // A link is made or it is not, and it has its content from the first moment on.
          await link(own, path);
          return { release: () => rm(path, { force: true }) };
        } catch (error) {
          if (codeOf(error) !== "EEXIST") throw error;
        }
        const held = await readFile(path, "utf8").catch((error: unknown) => absent(error, null));
        if (held === null) continue;
        const [pid, start] = held.split(" ");
        if (startOf(Number(pid)) === start) return { holderPid: Number(pid) };
        // Its holder is dead. Of several that see this one moves it away; the others find it gone or held anew.
        const stale = `${own}.stale`;
        await rename(path, stale).catch((error: unknown) => absent(error, undefined));
        await rm(stale, { force: true });
      }
    } finally {
      await rm(own, { force: true });
    }
  },
};

function outputFile(handle: FileHandle): OutputFile {
  return {
    write: (data) => handle.writeFile(data),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

function absent<T>(error: unknown, otherwise: T): T {
  if (codeOf(error) === "ENOENT") return otherwise;
  throw error;
}

/** When the process began, in a form that only equals itself: process ids are used again. "" where it is dead. */
function startOf(pid: number): string {
  try {
    // Fields 3, 20 and 22 of Linux's stat, behind the name in parentheses, which may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const { 0: state, 17: threads, 19: start } = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Killed, and its parent has not asked for it. (Threads that are left may still be writing.)
    return state === "Z" && threads === "1" ? "" : start;
  } catch {
    try {
      process.kill(pid, 0);
      return "alive";
    } catch (error) {
      return codeOf(error) === "EPERM" ? "alive" : "";
    }
  }
}
