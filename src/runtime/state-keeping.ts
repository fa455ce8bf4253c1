/**
 * All tables of a job towards its log and its backend: each gets a journal, and over a backend that is not memory a
 * share of the cache.
 */
import type { Stage } from "../compile/stage.ts";
import { ByteReader } from "../schema/bytes.ts";
import type { Shapes } from "../schema/shapes.ts";
import { structural } from "../schema/structural.ts";
import type { Codec } from "../schema/codec.ts";
import type { Cell } from "../state/bucket.ts";
import { ChangeLog, changesOf, type LogSink } from "../state/change-log.ts";
import { ColdRows, SHADOW } from "../state/cold-rows.ts";
import type { Change, RowStore } from "../state/contract.ts";
import type { Cursor } from "../state/cursor.ts";
import { Journal } from "../state/journal.ts";
import type { Rows } from "../state/table.ts";

export interface ColdOptions {
  readonly store: RowStore;
  /** Rows are asked for before a stage runs, not only when a read misses. */
  readonly prefetch: boolean;
  /** When rows are given up: over the budget, or, for tests, all of them. */
  readonly evict: "every-turn" | "every-step" | { readonly cacheBytes: number };
}

export interface KeepingOptions {
  /** null: what is given up goes straight to the backend, and there are no epochs. For tests. */
  readonly sink: LogSink | null;
  readonly logs: number;
  /** The epoch at hand. */
  readonly epoch: number;
  readonly shapes: Shapes;
  readonly cold: ColdOptions | null;
}

/** The cache is emptied to this part of its budget at once. */
const EVICT_TO = 0.75;
/** Prefetch asks for no more rows than that at once; a step asks for the rest. */
const PREFETCH_ROWS = 100_000;

export class StateKeeping {
  readonly shapes: Shapes;
  readonly cold: ColdOptions | null;
  /** Memory is short: the epoch is to end early. */
  wantsCommit = false;
  /** Drains and settles the past epoch at once; set by those who run epochs. */
  finishPast: () => void = () => {};
  private readonly changes: ChangeLog;
  private readonly journals: Journal<Cell>[] = [];
  /** The same over a backend that is not memory; else none. */
  private readonly coldJournals: ColdRows<Cell>[] = [];
  private readonly byPrefix = new Map<string, Journal<Cell>>();
  /** Payloads that are not in the backend yet, where there are no epochs. */
  private readonly unapplied: Uint8Array[] = [];
  /** The last epoch that the backend has. */
  private appliedEpoch: number;
  private hasPast = false;
  private hasShadows = false;
  /** From a miss until its step begins again, with its rows at hand. */
  private retrying = false;
  /** The step at hand missed before: what it asked for must stay until it is through. */
  private again = false;
  /** What the last prefetch brought, which is to stay until its stage has run: the budget is so much larger. */
  private broughtBytes = 0;
  private isLoading = false;
  /** Applied while rows were being loaded: what they are judged by stays as it is until they are there. */
  private appliedLate: number | null = null;
  private rewriting: { readonly cursors: [Journal<Cell>, Cursor<Cell>][] } | null = null;
  private epoch: number;

  constructor({ sink, logs, epoch, shapes, cold }: KeepingOptions) {
    this.cold = cold;
    this.shapes = shapes;
    this.epoch = epoch;
    this.appliedEpoch = epoch - 1;
    const direct: LogSink = { append: (_log, payload) => this.unapplied.push(payload) };
    this.changes = new ChangeLog(sink ?? direct, logs);
  }

  /** Attaches a table. */
  keep(rows: Rows<Cell>): void {
    const codec = rows.codec?.(this.shapes) ?? (structural(this.shapes) as Codec<Cell>);
    const options = { rows, codec, changes: this.changes, epoch: this.epoch };
    const cold = this.cold === null ? null : new ColdRows(options);
    const journal: Journal<Cell> = cold ?? new Journal(options);
    rows.keeper = journal;
    this.journals.push(journal);
    if (cold !== null) this.coldJournals.push(cold);
    this.byPrefix.set(rows.prefix, journal);
  }

  /** Bytes of the past epoch's changes, as far as they are written down. */
  get pastBytes(): number {
    return this.changes.pastBytes;
  }

  /** The tables, for those who compare programs. */
  get tables(): readonly Rows<Cell>[] {
    return this.journals.map(({ rows }) => rows);
  }

  // --- epochs ---

  /** The epoch at hand ends. The one before must have settled. */
  barrier(): void {
    this.epoch += 1;
    this.hasPast = true;
    this.wantsCommit = false;
    this.changes.barrier();
    for (const journal of this.journals) journal.barrier();
  }

  /** Writes down the past epoch's rows; true when all are. */
  drain(isOver: () => boolean): boolean {
    return this.journals.every((journal) => journal.drain(isOver));
  }

  /** From now on unchanged rows are written down again, so that the log before may be dropped when all were. */
  beginRewrite(): void {
    this.rewriting = { cursors: this.journals.map((journal) => [journal, journal.cursor()]) };
  }

  get isRewriting(): boolean {
    return this.rewriting !== null;
  }

  /** While an epoch is being written down. True when every row has been. */
  rewrite(isOver: () => boolean): boolean {
    if (this.rewriting === null) return true;
    const { cursors } = this.rewriting;
    for (let next = cursors.at(-1); next !== undefined; next = cursors.at(-1)) {
      const [journal, cursor] = next;
      if (!journal.rewrite(cursor, isOver)) return false;
      cursors.pop();
    }
    this.rewriting = null;
    return true;
  }

  /** All of the past epoch is handed to the log. */
  settle(): void {
    this.changes.settle();
    for (const journal of this.journals) journal.settled();
    this.hasPast = false;
  }

  // --- restore ---

  /**
   * Replays a part of the log into memory.
   *
   * @param dropped prefixes of the tables whose rows are left out
   */
  replay(payload: Uint8Array, dropped: readonly string[]): void {
    const reader = new ByteReader(payload);
    for (const change of changesOf(payload)) {
      const address = "from" in change ? change.from : change.address;
      const prefix = prefixOf(address);
      const journal = this.byPrefix.get(prefix);
      // Rows of an operator that is gone: its last changes may still be in the log.
      if (journal === undefined || dropped.includes(prefix)) continue;
      if ("from" in change) {
        journal.rows.forgetRange(address);
      } else {
        const { bucket, token } = journal.rows.place(address);
        if (change.value === undefined) {
          bucket.rows.delete(token);
          if (bucket.size === 0) journal.rows.release(bucket);
          continue;
        }
        reader.over(change.value);
        const row = journal.codec.decode(reader);
        row.mark = 0;
        bucket.rows.set(token, row);
        bucket.logged = true;
      }
    }
  }

  /** Over a backend: learns what it has, and tells the stages' indexes. In memory: the rows that replay brought. */
  async recall(stages: readonly Stage[]): Promise<void> {
    if (this.cold !== null) for (const rows of this.coldJournals) await rows.recall(this.cold.store);
    for (const { index } of stages) {
      if (index === null) continue;
      const { table, add } = index;
      const { keeper } = table;
      if (keeper instanceof ColdRows && this.cold !== null) {
        for await (const [bucket, token, row] of keeper.stored(this.cold.store))
          add(token, row as Cell, bucket.owner);
      } else {
        for (const bucket of table.buckets)
          for (const [token, row] of bucket.rows.entries()) add(token, row, bucket.owner);
      }
    }
  }

  // --- over a backend ---

  turnBegins(stages: readonly Stage[]): void {
    const { cold } = this;
    if (cold === null) return;
    if (cold.evict === "every-turn") for (const stage of stages) this.giveUp(stage);
    else if (typeof cold.evict === "object") this.makeRoom(cold.evict.cacheBytes);
    for (const rows of this.coldJournals) rows.forgetAbsent();
  }

  stepBegins(stage: Stage): void {
    if (this.cold?.evict === "every-step" && !this.retrying) this.giveUp(stage);
    this.again = this.retrying;
    this.retrying = false;
  }

  /** What the stage's inputs will touch, in one load. */
  async prefetch(stage: Stage): Promise<void> {
    const { cold } = this;
    if (cold === null || !cold.prefetch || stage.tables.length === 0) return;
    // First, so that nothing goes that the inputs will touch.
    this.broughtBytes = 0;
    if (this.isOver(cold)) await this.spillOver(cold);
    stage.head.prefetch?.(PREFETCH_ROWS);
    if (!coldRows(stage).some((rows) => rows.asks)) return;
    const before = this.bytes;
    await this.fetch(stage, cold);
    this.broughtBytes = Math.max(0, this.bytes - before);
  }

  /** After a miss: what was asked for. */
  async load(stage: Stage): Promise<void> {
    const { cold } = this;
    if (cold === null) return;
    this.retrying = true;
    if (!this.again && this.isOver(cold)) await this.spillOver(cold);
    await this.fetch(stage, cold);
  }

  private async fetch(stage: Stage, { store, evict }: ColdOptions): Promise<void> {
    if (typeof evict !== "object") await this.applyDirect(store);
    this.isLoading = true;
    for (const rows of coldRows(stage)) await rows.load(store);
    this.isLoading = false;
    const late = this.appliedLate;
    this.appliedLate = null;
    if (late !== null) await this.applied(late);
  }

  /** The backend has everything up to the epoch. */
  async applied(epoch: number): Promise<void> {
    if (this.cold === null) return;
    if (this.isLoading) {
      this.appliedLate = epoch;
      return;
    }
    this.appliedEpoch = epoch;
    const isClean = this.coldJournals.map((rows) => rows.applied(epoch));
    if (!this.hasShadows || isClean.includes(false)) return;
    this.hasShadows = false;
    const { store } = this.cold;
    await store.apply([{ from: SHADOW, to: `${SHADOW}\xff` }], null);
  }

  private get bytes(): number {
    let bytes = 0;
    for (const rows of this.coldJournals) bytes += rows.bytes;
    return bytes;
  }

  private isOver({ evict }: ColdOptions): boolean {
    return typeof evict === "object" && this.bytes > evict.cacheBytes + this.broughtBytes;
  }

  private makeRoom(budget: number): void {
    if (this.bytes <= budget) return;
    const isEnough = (): boolean => this.bytes <= budget * EVICT_TO;
    for (const rows of this.coldJournals) rows.evict(this.appliedEpoch, isEnough);
    // What can't be given up waits for its epoch to end.
    if (!isEnough()) this.wantsCommit = true;
  }

  private async spillOver({ store, evict }: ColdOptions): Promise<void> {
    if (typeof evict !== "object") return;
    const budget = evict.cacheBytes + this.broughtBytes;
    this.makeRoom(budget);
    if (this.bytes <= budget) return;
    // The log has one epoch after the other.
    if (this.hasPast) this.finishPast();
    const copies: Change[] = [];
    for (const rows of this.coldJournals) rows.spill((address, value) => copies.push({ address, value }));
    this.changes.flush();
    if (copies.length > 0) {
      this.hasShadows = true;
      await store.apply(copies, null);
    }
    this.makeRoom(budget);
  }

  private giveUp(stage: Stage): void {
    for (const rows of coldRows(stage)) rows.spill(null);
    this.changes.flush();
    for (const rows of coldRows(stage)) rows.evictAll();
  }

  private async applyDirect(store: RowStore): Promise<void> {
    // Removals are written down at once, and forgotten below.
    this.changes.flush();
    for (const payload of this.unapplied.splice(0)) await store.apply([...changesOf(payload)], null);
    for (const rows of this.coldJournals) rows.applied(Number.POSITIVE_INFINITY);
  }
}

const coldRows = ({ tables }: Stage): ColdRows<Cell>[] =>
  tables.flatMap(({ keeper }) => (keeper instanceof ColdRows ? [keeper] : []));

/** An address begins with two names, each ended by NUL. */
function prefixOf(address: string): string {
  return address.slice(0, address.indexOf("\0", address.indexOf("\0") + 1) + 1);
}
