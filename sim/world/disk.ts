/**
 * A disk: what the operating system has, and what survives the loss of power. Changes of a file survive once it was
 * synced, changes of names once their folder was. Of the rest a loss of power keeps any part, each change by itself: a
 * write also in part, with zeros where a later one stands behind a lost one.
 */
import { dirname } from "node:path";
import type { Dice } from "./dice.ts";

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly cut: number };

/** A file itself, whatever its name. */
export class Inode {
  readonly id: number;
  content: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  #unsynced: Change[] = [];

  constructor(id: number) {
    this.id = id;
  }

  append(bytes: Uint8Array): void {
    this.#change({ at: this.content.length, bytes: Buffer.from(bytes) });
  }

  cut(size: number): void {
    if (size !== this.content.length) this.#change({ cut: size });
  }

  sync(): void {
    this.durable = this.content;
    this.#unsynced = [];
  }

  losePower(dice: Dice): void {
    for (const change of this.#unsynced) {
      const luck = dice.next();
      if (luck < 0.4) this.durable = changed(this.durable, change);
      else if (luck < 0.6 && "bytes" in change) {
        const part = change.bytes.subarray(0, dice.below(change.bytes.length + 1));
        this.durable = changed(this.durable, { at: change.at, bytes: part });
      }
    }
    this.content = this.durable;
    this.#unsynced = [];
  }

  #change(change: Change): void {
    this.content = changed(this.content, change);
    this.#unsynced.push(change);
  }
}

function changed(content: Buffer, change: Change): Buffer {
  if ("cut" in change) return content.subarray(0, change.cut);
  const result = Buffer.alloc(Math.max(content.length, change.at + change.bytes.length));
  content.copy(result);
  result.set(change.bytes, change.at);
  return result;
}

export const FOLDER = Symbol("folder");
export type Entry = Inode | typeof FOLDER;

/** What happens to names in one step: undefined takes a name away. */
type NameChange = readonly (readonly [path: string, entry: Entry | undefined])[];

export class Disk {
  /** Called when a file has got a new name. */
  onRename: (path: string) => void = () => {};
  /** By path: which process has locked it. */
  readonly locks = new Map<string, object>();
  names: Map<string, Entry>;
  #durableNames: Map<string, Entry>;
  #unsynced: NameChange[] = [];
  #inodes = 0;

  /** @param folders that are there from the beginning */
  constructor(folders: readonly string[]) {
    this.names = new Map(folders.map((path) => [path, FOLDER]));
    this.#durableNames = new Map(this.names);
  }

  inode(): Inode {
    return new Inode(++this.#inodes);
  }

  rename(change: NameChange): void {
    apply(this.names, change);
    this.#unsynced.push(change);
  }

  syncFolder(folder: string): void {
    const isWithin = (change: NameChange) => change.some(([path]) => dirname(path) === folder);
    for (const change of this.#unsynced.filter(isWithin)) apply(this.#durableNames, change);
    this.#unsynced = this.#unsynced.filter((change) => !isWithin(change));
  }

  list(folder: string): string[] {
    return namesIn(this.names, folder);
  }

  /** The bytes of a file as processes see it; null where there is none. */
  content(path: string): Buffer | null {
    const entry = this.names.get(path);
    return entry instanceof Inode ? entry.content : null;
  }

  /** What the worst loss of power would leave. */
  durable(path: string): Buffer | null {
    const entry = this.#durableNames.get(path);
    return entry instanceof Inode && !isLost(this.#durableNames, path) ? entry.durable : null;
  }

  durableList(folder: string): string[] {
    return isLost(this.#durableNames, folder) ? [] : namesIn(this.#durableNames, folder);
  }

  /** Another disk with the same files, but for those below `without`. */
  copy(without: string): Disk {
    const copy = new Disk([]);
    for (const [path, entry] of this.names) {
      if (path === without || path.startsWith(`${without}/`)) continue;
      const inode = entry === FOLDER ? entry : copy.inode();
      if (inode !== FOLDER && entry !== FOLDER) inode.append(entry.content);
      if (inode !== FOLDER) inode.sync();
      copy.names.set(path, inode);
      copy.#durableNames.set(path, inode);
    }
    return copy;
  }

  losePower(dice: Dice): void {
    const names = this.#durableNames;
    for (const change of this.#unsynced) if (dice.chance(0.5)) apply(names, change);
    this.#unsynced = [];
    this.names = new Map([...names].filter(([path]) => !isLost(names, path)));
    this.#durableNames = new Map(this.names);
    for (const entry of new Set(this.names.values())) if (entry !== FOLDER) entry.losePower(dice);
  }
}

function apply(names: Map<string, Entry>, change: NameChange): void {
  for (const [path, entry] of change) {
    if (entry === undefined) names.delete(path);
    else names.set(path, entry);
  }
}

const isLost = (names: ReadonlyMap<string, Entry>, path: string): boolean =>
  !names.has(path) || (dirname(path) !== path && isLost(names, dirname(path)));

function namesIn(names: ReadonlyMap<string, Entry>, folder: string): string[] {
  const inside = [...names.keys()].filter((path) => path !== folder && dirname(path) === folder);
  return inside.map((path) => path.slice(folder === "/" ? 1 : folder.length + 1)).sort();
}
