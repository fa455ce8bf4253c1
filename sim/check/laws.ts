/**
 * The laws that a run is held against while it goes and at its end. The first one that is broken is kept: code of the
 * engine that stands between would make an error of its own of it.
 *
 *   INV-1  the output at the end is that of the evaluator
 *   INV-4  outputs, positions and state are those of one decided epoch
 *   INV-5  the accounts add up to the evaluator's
 *   INV-6  generations, epochs and watermarks only grow
 *   INV-8  nothing of an epoch is visible before no crash can undo its decision
 */
import type { JobReport } from "../../src/runtime/report.ts";
import type { ExpectedRow } from "../case/case.ts";
import { hasBad } from "../case/items.ts";
import type { Scenario } from "../case/scenario.ts";
import type { Place } from "../places/place.ts";
import type { Position } from "../world/source.ts";
import { STATE, type World } from "../world/world.ts";
import { beginningOf, noLess, noMore, onlyThese, sameBag, sameRows } from "./compare.ts";
import { type Cut, Expected } from "./expected.ts";
import { cutOf, durableManifest, type FoundManifest, lostLog, newestManifest, read } from "./manifests.ts";

export interface Violation {
  readonly law: string;
  readonly what: string;
}

export class Laws {
  violation: Violation | null = null;
  readonly expected: Expected;
  readonly #world: World;
  readonly #scenario: Scenario;
  /** The savepoint that the job begins with. */
  readonly #from: string | null;
  /** What the run at hand goes on from. */
  #recovered: FoundManifest | null = null;
  #last: FoundManifest | null = null;
  #opened: string | null = null;
  #generation = 0;
  /** The last epoch that no crash could undo. */
  #durable = 0;
  /** Power was lost since output was last put right. */
  #torn = false;

  constructor(world: World, from: string | null) {
    this.#world = world;
    this.#from = from;
    this.#scenario = world.scenario;
    this.expected = new Expected(world.scenario, world.history);
  }

  break(law: string, what: string): void {
    this.violation ??= { law, what };
    this.#world.scheduler.note(`violation of ${law}: ${what}`);
  }

  /** A run is about to read the state directory. */
  starts(): void {
    const { disk } = this.#world;
    const saved = this.#from === null ? null : newestManifest(disk, this.#from);
    const found = newestManifest(disk) ?? saved;
    if ((found?.epoch ?? 0) < this.#durable)
      this.break("INV-4", `epoch ${this.#durable} was durable, and ${found?.epoch ?? "none"} is left`);
    this.#recovered = found;
    this.#last = found;
    this.#opened = null;
  }

  /** The epochs are opened. */
  recovered(epoch: number, generation: number): void {
    const found = this.#recovered?.epoch ?? 0;
    if (epoch !== found) this.break("INV-4", `the run goes on from epoch ${epoch}, and ${found} was decided`);
    if (generation <= this.#generation)
      this.break("INV-6", `generation ${generation} comes behind ${this.#generation}`);
    this.#generation = generation;
  }

  /** A source is opened at positions. */
  sourceOpened(source: number, positions: readonly (Position | null)[]): void {
    const { taken, mark } = this.#attempt(() => this.#cutOf(this.#recovered)) ?? {
      taken: new Map(),
      mark: null,
    };
    positions.forEach((position, i) => {
      if ((position?.at ?? 0) !== (taken.get(`${source}/${i}`) ?? 0))
        this.break("INV-4", `source ${source}/${i} begins at ${position?.at}, not where the epoch ends`);
    });
    const begins = String(mark);
    if (this.#opened === null) this.#world.history.branch(mark);
    this.#opened ??= begins;
  }

  /** State is restored, and what was decided is committed. */
  opened(): void {
    const cut = this.#attempt(() => this.#cutOf(this.#recovered));
    if (cut !== undefined) this.#visible(cut, "when the run begins");
    this.#torn = false;
  }

  /** A file has a new name. */
  renamed(path: string): void {
    if (!path.startsWith(STATE) || !/\/manifest-[^/]*\.json$/.test(path)) return;
    const { disk } = this.#world;
    const manifest = read(disk.content(path));
    if (manifest === null) {
      this.break("INV-4", `${path} has no content when it gets its name`);
      return;
    }
    const lost = lostLog(disk, STATE, manifest);
    if (lost !== null) this.break("INV-4", `${path} names a part of ${lost} that a crash can take`);
    const before = this.#last;
    this.#last = manifest;
    if (before === null) return;
    // A copy of the savepoint.
    if (manifest.generation === before.generation && manifest.epoch === before.epoch) return;
    if (manifest.generation < before.generation) this.break("INV-6", "a generation came back");
    const isStart = manifest.generation > before.generation;
    if (manifest.epoch !== before.epoch + (isStart ? 0 : 1))
      this.break("INV-6", `epoch ${manifest.epoch} follows epoch ${before.epoch}`);
    this.#onlyGrow(before, manifest);
  }

  #onlyGrow(before: FoundManifest, now: FoundManifest): void {
    const both = [
      [before.body?.sources ?? {}, now.body?.sources ?? {}],
      [before.body?.stages ?? {}, now.body?.stages ?? {}],
    ] as const;
    for (const [was, is] of both) {
      for (const [name, { watermark }] of Object.entries(was)) {
        const next = is[name]?.watermark;
        if (!(Number(next) >= Number(watermark)))
          this.break("INV-6", `the watermark of ${name} goes from ${watermark} to ${next}`);
      }
    }
  }

  /** A sink is told to commit. `open` is an epoch whose commit has not succeeded. */
  commits(sink: string, epoch: number, open: number | null): void {
    if (open !== null)
      this.break("INV-4", `${sink} commits epoch ${epoch}, and epoch ${open} is not through`);
    this.#lookAtDisk();
    if (this.#durable < epoch)
      this.break("INV-8", `${sink} commits epoch ${epoch}, and a crash leaves epoch ${this.#durable}`);
  }

  /** The process has died, and what could be lost is lost. */
  died(loss: "process" | "power"): void {
    const found = newestManifest(this.#world.disk);
    if (loss === "power") this.#torn = true;
    if (this.#scenario.guarantee !== "exactly-once") return;
    const cut = this.#attempt(() => this.#cutOf(found));
    if (cut === undefined) return;
    const rows = this.expected.rows(cut);
    for (const [name, place] of this.#places()) {
      if (!place.transactional) continue;
      const { lanes, broken } = place.visible(true);
      if (broken > 0 && !this.#torn) this.break("INV-8", `${name} shows ${broken} broken lines`);
      for (const [lane, visible] of lanes) {
        const fault = noMore(visible, laneOf(rows.get(name) ?? [], lane));
        if (fault !== null) this.break("INV-8", `${name}, after a crash in epoch ${found?.epoch}: ${fault}`);
      }
    }
  }

  /** What is durable before a crash must be there after it. */
  beforeDeath(): void {
    this.#lookAtDisk();
  }

  #lookAtDisk(): void {
    this.#durable = Math.max(this.#durable, durableManifest(this.#world.disk)?.epoch ?? 0);
  }

  /** A savepoint is there. */
  savepointWritten(folder: string, epoch: number): void {
    const found = durableManifest(this.#world.disk, folder);
    if (found?.epoch !== epoch)
      this.break(
        "INV-4",
        `the savepoint of epoch ${epoch} holds, beyond any crash, ${found?.epoch ?? "nothing"}`,
      );
  }

  /** The job is done. False where it was only stopped. */
  ended(report: JobReport): boolean {
    const found = newestManifest(this.#world.disk);
    const cut = this.#attempt(() => this.#cutOf(found));
    if (cut === undefined) return true;
    if (found?.ended !== true) {
      this.#visible(cut, "when it is stopped");
      return false;
    }
    const { inputs, used } = this.#scenario.case;
    for (const source of used) {
      inputs[source].forEach((items, partition) => {
        const at = cut.taken.get(`${source}/${partition}`) ?? 0;
        if (at !== items.length) this.break("INV-1", `${source}/${partition} is read up to ${at} only`);
      });
    }
    this.#visible(cut, "at the end");
    this.#accounts(cut, report);
    return true;
  }

  #visible(cut: Cut, when: string): void {
    const all = this.#attempt(() => this.expected.rows(cut));
    if (all === undefined) return;
    const isEnd = when === "at the end";
    for (const [name, place] of this.#places()) {
      const expected = all.get(name) ?? [];
      const fault = this.#fault(name, place, expected, isEnd);
      if (fault !== null) this.break(isEnd ? "INV-1" : "INV-4", `${name}, ${when}: ${fault}`);
    }
  }

  #fault(name: string, place: Place, expected: readonly ExpectedRow[], isEnd: boolean): string | null {
    const { guarantee } = this.#scenario;
    const exact = guarantee === "exactly-once" && place.transactional;
    const { lanes, broken } = place.visible(exact);
    const all = [...lanes.values()].flat();
    if (exact) {
      if (broken > 0) return `${broken} broken lines`;
      const isWhole = isEnd || place.wholeEpochs;
      if (name === "deadLetters") return isWhole ? sameBag(all, expected) : noMore(all, expected);
      for (const [lane, rows] of lanes) {
        const own = laneOf(expected, lane);
        const fault = isWhole ? sameRows(rows, own) : beginningOf(rows, own);
        if (fault !== null) return fault;
      }
      return isWhole && all.length < expected.length ? noLess(all, expected) : null;
    }
    if (guarantee === "at-most-once") return noMore(all, expected);
    const lost = noLess(all, expected);
    if (lost !== null || !isEnd || !this.expected.isDetermined) return lost;
    return onlyThese(all, expected);
  }

  #accounts(cut: Cut, report: JobReport): void {
    const fault = this.#attempt(() => this.expected.evaluated(cut).faultOf(report));
    if (fault != null) this.break("INV-5", fault);
    const { inputs, sources } = this.#scenario.case;
    for (const { name, records } of report.sources) {
      const items = inputs[sources.indexOf(name)].flat();
      const given = items.filter((item) => "record" in item || ("bad" in item && item.bad === "timestamp"));
      if (records !== given.length)
        this.break("INV-5", `${name} accounts ${records} records, not ${given.length}`);
    }
    const rows = this.expected.rows(cut);
    for (const { name, records } of report.sinks) {
      const expected = rows.get(name)?.length ?? 0;
      if (records !== expected) this.break("INV-5", `${name} accounts ${records} records, not ${expected}`);
    }
  }

  #cutOf(manifest: FoundManifest | null): Cut {
    return cutOf(manifest, this.#scenario.case.sources);
  }

  /** Places that the job writes to. */
  *#places(): Generator<[string, Place]> {
    for (const [name, place] of this.#world.places) {
      if (name === "deadLetters" && !hasBad(this.#scenario.case.inputs)) continue;
      yield [name, place];
    }
  }

  #attempt<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      this.break("INV-4", (error as Error).message);
      return undefined;
    }
  }
}

/** Which lane a row goes to, where a place has lanes. */
export function laneOfRow(row: string): string {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum = (sum * 31 + row.charCodeAt(i)) >>> 0;
  return String(sum % 3);
}

const laneOf = (rows: readonly ExpectedRow[], lane: string): readonly ExpectedRow[] =>
  lane === "" ? rows : rows.filter(({ row }) => laneOfRow(row) === lane);
