/**
 * An NDJSON file that grows by epochs, and what lies hidden beside it:
 *
 *   .NAME.staged-N   output that is not in the file yet; one per epoch that has any
 *   .NAME.epoch      the last epoch that the file may show, as JSON
 *
 * `.NAME.epoch` is written before the epoch's first byte, so it is never below what readers see; only decided epochs
 * are committed, so it is never above the last decided one, unless a newer state has been here.
 */
import { basename, dirname, join, resolve } from "node:path";
import type { Json } from "../../core/json.ts";
import type { Files, OutputFile } from "../../core/ports.ts";
import { appendOnce } from "./append-once.ts";
import { fileUnwritable, outputMissing } from "./file-failure.ts";
import { readText, replaceText } from "./small-file.ts";

/** What an epoch added to the file. */
export type NdjsonHandle = {
  readonly path: string;
  readonly at: number;
  readonly bytes: number;
  /** The number of the staged file. */
  readonly staged: number;
};

export class NdjsonPlace {
  readonly path: string;
  readonly #files: Files;
  readonly #job: string;
  readonly #folder: string;
  readonly #hidden: string;

  constructor(files: Files, path: string, job: string) {
    this.path = path;
    this.#files = files;
    this.#job = job;
    this.#folder = dirname(path);
    this.#hidden = `.${basename(path)}.`;
  }

  stagedPath(staged: number): string {
    return join(this.#folder, `${this.#hidden}staged-${staged}`);
  }

  get #epochPath(): string {
    return join(this.#folder, `${this.#hidden}epoch`);
  }

  /** The handle, if it is one of this file's; a job may have been given another path since. */
  own(json: Json): NdjsonHandle | undefined {
    const handle = json as NdjsonHandle | null;
    return typeof handle?.path === "string" && resolve(handle.path) === resolve(this.path)
      ? handle
      : undefined;
  }

  /** An empty file, with nothing beside it. */
  async begin(): Promise<OutputFile> {
    await this.removeStaged([]);
    await this.#files.remove(this.#epochPath);
    return this.#files.openWrite(this.path);
  }

  async removeStaged(except: readonly number[]): Promise<void> {
    const prefix = `${this.#hidden}staged-`;
    for (const name of await this.#files.list(this.#folder)) {
      if (!name.startsWith(prefix) || except.includes(Number(name.slice(prefix.length)))) continue;
      await this.#files.remove(join(this.#folder, name));
    }
  }

  syncNames(): Promise<void> {
    return this.#files.syncFolder(this.#folder);
  }

  /** @throws SINK_STATE_MISSING when the file has become that of another job */
  async lastEpoch(): Promise<number | null> {
    const text = await readText(this.#files, this.#epochPath);
    if (text === null) return null;
    let mark: { job: string; epoch: number };
    try {
      mark = JSON.parse(text);
    } catch (cause) {
      throw fileUnwritable(this.#epochPath, cause);
    }
    if (mark.job !== this.#job) throw outputMissing(this.path, `holds the output of the job ${mark.job} now`);
    return mark.epoch;
  }

  /** Makes an epoch's output visible. Of a handle of another path only what still lies staged there. */
  async commit(epoch: number, json: Json): Promise<void> {
    const handle = json as NdjsonHandle | null;
    if (typeof handle?.path !== "string" || handle.bytes === 0) return;
    const own = this.own(handle) !== undefined;
    const place = own ? this : new NdjsonPlace(this.#files, handle.path, this.#job);
    const staged = place.stagedPath(handle.staged);
    if (!own && (await this.#files.stat(staged)) === null) return;
    await appendOnce(this.#files, { ...handle, path: place.path, staged }, () =>
      replaceText(this.#files, place.#epochPath, `${JSON.stringify({ job: this.#job, epoch })}\n`),
    );
  }
}
