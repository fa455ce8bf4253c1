/** Damage to the files of a state directory, and its repair. */
import {
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Scene, stateOf } from "./faulted-job.ts";

/** Brings back what was there. */
export type Repair = () => void;

/** One bit of the file, at this part of its length. */
export function flipBit(path: string, at: number): Repair {
  const flip = (): void => {
    const bytes = readFileSync(path);
    bytes[Math.floor(at * bytes.length)] ^= 1 << (Math.floor(at * 1e6) % 8);
    writeFileSync(path, bytes);
  };
  flip();
  return flip;
}

/** Cuts the file off at this part of its length. */
export function truncate(path: string, at: number): Repair {
  const bytes = readFileSync(path);
  truncateSync(path, Math.floor(at * bytes.length));
  return () => writeFileSync(path, bytes);
}

export function takeAway(path: string): Repair {
  renameSync(path, `${path}.away`);
  return () => {
    rmSync(path, { recursive: true, force: true });
    renameSync(`${path}.away`, path);
  };
}

/** All of a folder as it is now; the repair brings it back. */
export function keep(folder: string, copy: string): Repair {
  cpSync(folder, copy, { recursive: true });
  return () => {
    rmSync(folder, { recursive: true, force: true });
    cpSync(copy, folder, { recursive: true });
  };
}

/** The newest is the last. */
export const manifestsOf = (scene: Scene): string[] =>
  readdirSync(stateOf(scene))
    .filter((name) => name.startsWith("manifest-"))
    .sort()
    .map((name) => join(stateOf(scene), name));

export const logOf = (scene: Scene): string => join(stateOf(scene), "log-0-0.bin");

/** Where RocksDB has its files. */
export const rowsFolderOf = (scene: Scene): string => join(stateOf(scene), "rows");

/** The largest file of RocksDB with such an end of its name. */
export function largestOf(scene: Scene, end: string): string {
  const paths = readdirSync(rowsFolderOf(scene))
    .filter((name) => name.endsWith(end))
    .map((name) => join(rowsFolderOf(scene), name))
    .sort((a, b) => statSync(a).size - statSync(b).size);
  return paths.at(-1) as string;
}
