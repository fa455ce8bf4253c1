/**
 * A file and its older generations in the folder: opens those that came after a given one.
 *
 * Names move while they are looked at. A look counts once a second one saw the same, and a file that was opened counts
 * only if it is the one that had the name then; else everything begins again.
 */
import { basename, dirname, join } from "node:path";
import type { Files, InputFile } from "../../core/ports.ts";
import { type FileStart, type LinePosition, resumeAt } from "./line-position.ts";
import { fileUnreadable, openIfThere, positionLost } from "./open-file.ts";
import { allNames, generationOf, isRelated, type NewerNames, newerNames } from "./rotated-names.ts";

interface Sibling {
  readonly name: string;
  readonly identity: string;
  readonly sizeBytes: number;
}

/** Each new try takes a rotation in the milliseconds of the one before. */
const MOST_TRIES = 100;

export class Rotation {
  readonly #files: Files;
  readonly #path: string;
  readonly #folder: string;
  readonly #base: string;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
    this.#folder = dirname(path);
    this.#base = basename(path);
  }

  /**
   * The files that are newer than the one with the identity, the oldest first; the last is the one under the path, if
   * there is one. Where the identity is not in the folder any more: only that one.
   *
   * @throws SOURCE_POSITION_LOST where one of them can't be read
   */
  async openNewer(identity: string | null): Promise<InputFile[]> {
    return this.#untilQuiet(async () => {
      const siblings = await this.#look();
      const own = siblings.find((sibling) => sibling.identity === identity);
      return this.#openAfter(siblings, own);
    });
  }

  /** All files that are there, the oldest first. @throws SOURCE_POSITION_LOST where one of them can't be read */
  async openAll(): Promise<InputFile[]> {
    return this.#untilQuiet(async () => {
      const siblings = await this.#look();
      return this.#openNamed(
        siblings,
        allNames(
          this.#base,
          siblings.map(({ name }) => name),
        ),
      );
    });
  }

  /**
   * Finds the file that the position is in, whatever its name is now: the one with its identity, or else a copy of it.
   * With it come the newer ones, as `openNewer` gives them.
   *
   * @throws SOURCE_POSITION_LOST
   */
  async resume(position: LinePosition): Promise<{ start: FileStart; files: InputFile[] }> {
    return this.#untilQuiet(async () => {
      const siblings = await this.#look();
      const isIt = ({ identity }: Sibling) => identity === position.identity;
      const itself = siblings.filter(isIt);
      const copies = siblings.filter((sibling) => !isIt(sibling) && this.#mayBeCopy(sibling, position));
      copies.sort((a, b) => Number(b.name === this.#base) - Number(a.name === this.#base));
      let reason = "the file that was being read is gone";
      for (const sibling of [...itself, ...copies]) {
        const file = await this.#openSame(sibling);
        if (file === null) return null;
        const opened = [file];
        try {
          const start = await resumeAt(file, position);
          if (typeof start !== "string") {
            const newer = await this.#openAfter(siblings, sibling);
            return newer === null ? null : { start, files: opened.splice(0).concat(newer) };
          }
          if (isIt(sibling)) reason = start;
        } finally {
          for (const one of opened) await one.close();
        }
      }
      throw positionLost(this.#path, position, reason);
    });
  }

  /** The bytes tell, so there must be some. */
  #mayBeCopy({ name, sizeBytes }: Sibling, { offset }: LinePosition): boolean {
    return offset > 0 && sizeBytes >= offset && generationOf(this.#base, name)?.packed !== true;
  }

  async #openAfter(siblings: readonly Sibling[], own: Sibling | undefined): Promise<InputFile[] | null> {
    const all = siblings.map(({ name }) => name);
    return this.#openNamed(
      siblings,
      own === undefined
        ? { names: all.filter((name) => name === this.#base), lost: null }
        : newerNames(this.#base, all, own.name),
    );
  }

  async #openNamed(siblings: readonly Sibling[], { names, lost }: NewerNames): Promise<InputFile[] | null> {
    if (lost !== null) throw positionLost(this.#path, null, lost);
    const opened: InputFile[] = [];
    try {
      for (const name of names) {
        const file = await this.#openSame(siblings.find((sibling) => sibling.name === name)!);
        if (file === null) return null;
        opened.push(file);
      }
      return opened.splice(0);
    } finally {
      for (const file of opened) await file.close();
    }
  }

  /** Null where the name shows another file by now, or none. */
  async #openSame({ name, identity }: Sibling): Promise<InputFile | null> {
    const file = await openIfThere(this.#files, this.#pathOf(name));
    if (file === null || file.identity === identity) return file;
    await file.close();
    return null;
  }

  async #look(): Promise<readonly Sibling[]> {
    return this.#untilQuiet(async () => {
      const [first, second] = [await this.#lookOnce(), await this.#lookOnce()];
      const names = (siblings: readonly Sibling[]) =>
        siblings.map(({ name, identity }) => `${name}/${identity}`).join("/");
      return names(first) === names(second) ? second : null;
    });
  }

  async #lookOnce(): Promise<readonly Sibling[]> {
    const siblings: Sibling[] = [];
    for (const name of await this.#files.list(this.#folder)) {
      if (!isRelated(this.#base, name)) continue;
      const stat = await this.#files.stat(this.#pathOf(name));
      if (stat !== null && !stat.isFolder) siblings.push({ name, ...stat });
    }
    return siblings;
  }

  #pathOf(name: string): string {
    return name === this.#base ? this.#path : join(this.#folder, name);
  }

  async #untilQuiet<R>(attempt: () => Promise<R | null>): Promise<R> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const result = await attempt();
      if (result !== null) return result;
    }
    throw fileUnreadable(this.#path, new Error("the files beside it are renamed all the time"));
  }
}
