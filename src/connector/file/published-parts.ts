/**
 * What of a folder of part files is decided, as its readers can tell:
 *
 *   _files.ndjson     a line {"file","bytes"} per published part; only grows
 *   _committed.json   the last epoch that published any, and how much of _files.ndjson is decided
 *   _SUCCESS          the input has ended: there is nothing to come
 *
 * Several renames are no atomic step, but the replacement of `_committed.json` is one. So a commit renames the parts,
 * lists them behind the decided end of the list, and then names the new end. Each step can be done again: a part is at
 * its final name or still at its hidden one, and what stands behind the list's decided end is written anew.
 *
 * Cost of an epoch: of the parts it finished, not of those before. One that finished none costs nothing.
 */
import { join } from "node:path";
import type { Json } from "../../core/json.ts";
import type { Files } from "../../core/ports.ts";
import { fileUnwritable, outputMissing } from "./file-failure.ts";
import { finalPath, folderOf, openPath } from "./part-names.ts";
import type { OpenPart, PartBytes } from "./parts.ts";
import { readText, replaceText } from "./small-file.ts";

export type PartsHandle = {
  /** Finished in this epoch. */
  readonly closed: readonly PartBytes[];
  /** What the epoch leaves unfinished. */
  readonly open: readonly OpenPart[];
  /** The decided list before this epoch. */
  readonly listed: Listed;
  readonly ended: boolean;
};

export type Listed = { readonly files: number; readonly bytes: number };

export interface Mark extends Listed {
  readonly job: string;
  readonly epoch: number;
  readonly ended: boolean;
}

const linesOf = (parts: readonly PartBytes[]): string =>
  parts.map(({ file, bytes }) => `${JSON.stringify({ file, bytes })}\n`).join("");

/** The list with the parts of an epoch. */
export const listedWith = ({ files, bytes }: Listed, closed: readonly PartBytes[]): Listed => ({
  files: files + closed.length,
  bytes: bytes + Buffer.byteLength(linesOf(closed)),
});

export class PublishedParts {
  readonly #files: Files;
  readonly #root: string;
  readonly #job: string;
  #mark: Mark | null = null;

  constructor(files: Files, root: string, job: string) {
    this.#files = files;
    this.#root = root;
    this.#job = job;
  }

  get mark(): Mark | null {
    return this.#mark;
  }

  /** Reads the mark. @throws FILE_UNWRITABLE when it is none */
  async open(): Promise<void> {
    const path = join(this.#root, "_committed.json");
    const text = await readText(this.#files, path);
    try {
      this.#mark = text === null ? null : JSON.parse(text);
    } catch (cause) {
      throw fileUnwritable(path, cause);
    }
  }

  hasEnded(): Promise<boolean> {
    return this.#files.stat(this.#success).then((stat) => stat !== null);
  }

  /** The decided parts. @throws SINK_STATE_MISSING */
  async list(): Promise<readonly PartBytes[]> {
    if (this.#mark === null || this.#mark.files === 0) return [];
    const text = await readText(this.#files, this.#listPath);
    const lines = Buffer.from(text ?? "")
      .toString("utf8", 0, this.#mark.bytes)
      .split("\n");
    if (lines.length <= this.#mark.files) {
      throw outputMissing(this.#listPath, `should name ${this.#mark.files} files`);
    }
    return lines.slice(0, this.#mark.files).map((line) => JSON.parse(line) as PartBytes);
  }

  /** @throws SINK_STATE_MISSING */
  async commit(epoch: number, json: Json): Promise<void> {
    const handle = json as PartsHandle;
    const isNew = this.#mark === null || this.#mark.epoch < epoch;
    if (isNew && (handle.closed.length > 0 || handle.ended !== (this.#mark?.ended ?? false))) {
      await this.#publish(epoch, handle);
    }
    if (this.#mark?.epoch === epoch) await this.#end(this.#mark.ended);
  }

  async #publish(epoch: number, { closed, listed, ended }: PartsHandle): Promise<void> {
    for (const part of closed) await this.publishPart(part);
    for (const folder of new Set(closed.map(({ file }) => folderOf(file)))) {
      await this.#files.syncFolder(join(this.#root, folder));
    }
    if (closed.length > 0) await this.#append(listed.bytes, linesOf(closed));
    const mark = { job: this.#job, epoch, ...listedWith(listed, closed), ended };
    await replaceText(this.#files, join(this.#root, "_committed.json"), `${JSON.stringify(mark)}\n`);
    this.#mark = mark;
  }

  /** Gives a part its final name. @throws SINK_STATE_MISSING */
  async publishPart({ file, bytes }: PartBytes): Promise<void> {
    const hidden = openPath(this.#root, file);
    const final = finalPath(this.#root, file);
    const stat = await this.#files.stat(hidden);
    const size = (stat ?? (await this.#files.stat(final)))?.sizeBytes;
    if (size !== bytes) {
      throw outputMissing(
        final,
        `should have ${bytes} bytes, and ${size === undefined ? "is not there" : `has ${size}`}`,
      );
    }
    if (stat !== null) await this.#files.rename(hidden, final);
  }

  async #append(at: number, lines: string): Promise<void> {
    const size = (await this.#files.stat(this.#listPath))?.sizeBytes ?? 0;
    if (size < at) throw outputMissing(this.#listPath, `has ${size} bytes, where ${at} were committed`);
    const list = await this.#files.openAppend(this.#listPath, at);
    try {
      await list.write(lines);
      await list.sync();
    } finally {
      await list.close();
    }
    if (at === 0) await this.#files.syncFolder(this.#root);
  }

  /** A job that goes on after its end, with more input, has not ended. */
  async #end(ended: boolean): Promise<void> {
    if (ended === (await this.hasEnded())) return;
    if (ended) await (await this.#files.openWrite(this.#success)).close();
    else await this.#files.remove(this.#success);
    await this.#files.syncFolder(this.#root);
  }

  get #listPath(): string {
    return join(this.#root, "_files.ndjson");
  }

  get #success(): string {
    return join(this.#root, "_SUCCESS");
  }
}
