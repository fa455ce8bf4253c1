/** The NDJSON file of the engine's own sink. */
import type { Sink } from "../../src/connector/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Disk } from "../world/disk.ts";
import { rowsOf } from "./lines.ts";
import { oneLane, type OutRow, type Place, type Visible } from "./place.ts";

export class NdjsonPlace implements Place {
  readonly transactional = true;
  readonly wholeEpochs = true;
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  copy(disk: Disk): NdjsonPlace {
    return new NdjsonPlace(disk, this.#path);
  }

  visible(): Visible {
    const { rows, broken } = rowsOf(this.#disk.content(this.#path));
    return oneLane(rows, broken);
  }

  sink(engine: Engine): Sink<OutRow> {
    return engine.ndjsonFile<OutRow>(this.#path);
  }
}
