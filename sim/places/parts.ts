/** The part files of the engine's own sink. */
import type { Sink } from "../../src/connector/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Disk } from "../world/disk.ts";
import { rowsOf } from "./lines.ts";
import type { OutRow, Place, Visible } from "./place.ts";

export interface PartsOptions {
  readonly rollBytes: number;
  readonly rollEvery: number | null;
  readonly inLanes: boolean;
  readonly maxOpenFiles: number;
}

export class PartsPlace implements Place {
  readonly transactional = true;
  readonly wholeEpochs = false;
  readonly #disk: Disk;
  readonly #root: string;
  readonly #options: PartsOptions;

  constructor(disk: Disk, root: string, options: PartsOptions) {
    this.#disk = disk;
    this.#root = root;
    this.#options = options;
  }

  copy(disk: Disk): PartsPlace {
    return new PartsPlace(disk, this.#root, this.#options);
  }

  visible(exact: boolean): Visible {
    const lanes = new Map<string, string[]>();
    let broken = 0;
    for (const { file, bytes } of exact ? this.#decided() : this.#there()) {
      const lane = file.includes("/") ? file.slice(0, file.indexOf("/")).replace("lane=", "") : "";
      const found = rowsOf(this.#disk.content(`${this.#root}/${file}`)?.subarray(0, bytes) ?? null);
      lanes.set(lane, [...(lanes.get(lane) ?? []), ...found.rows]);
      broken += found.broken;
    }
    return { lanes, broken };
  }

  /** As a reader finds them that trusts the mark. */
  #decided(): { readonly file: string; readonly bytes: number }[] {
    const text = this.#disk.content(`${this.#root}/_committed.json`);
    if (text === null) return [];
    const mark = JSON.parse(text.toString()) as { files: number; bytes: number };
    const list = this.#disk.content(`${this.#root}/_files.ndjson`)?.subarray(0, mark.bytes).toString() ?? "";
    return list
      .split("\n")
      .slice(0, mark.files)
      .map((line) => JSON.parse(line));
  }

  #there(): { readonly file: string; readonly bytes: number }[] {
    const isPart = (name: string): boolean => /^part-\d+\.ndjson$/.test(name);
    const all = (names: readonly string[], folder: string) =>
      names.filter(isPart).map((name) => ({ file: `${folder}${name}`, bytes: Number.POSITIVE_INFINITY }));
    const names = this.#disk.list(this.#root);
    const folders = names.filter((name) => name.startsWith("lane="));
    return [
      ...all(names, ""),
      ...folders.flatMap((name) => all(this.#disk.list(`${this.#root}/${name}`), `${name}/`)),
    ];
  }

  sink(engine: Engine): Sink<OutRow> {
    const { rollBytes, rollEvery, inLanes, maxOpenFiles } = this.#options;
    return engine.files<OutRow>(this.#root, {
      rollBytes,
      maxOpenFiles,
      ...(rollEvery === null ? {} : { rollEvery }),
      ...(inLanes ? { partitionBy: ["lane"] } : {}),
    });
  }
}
