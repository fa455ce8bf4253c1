/**
 * A replayable source: its partitions fetch ahead a few items at a time, whenever the scheduler lets them, and give what
 * they have in the order of the input, whatever the sizes of the polls are.
 */
import type { Partition, Source, SourceContext } from "../../src/connector/contract.ts";
import type { Json } from "../../src/core/json.ts";
import type { Item, Timed } from "../case/items.ts";
import type { Mark, Poll } from "./history.ts";
import type { Life } from "./life.ts";

export type Position = { readonly at: number; readonly mark: Mark };

export interface SourceOptions {
  readonly index: number;
  readonly partitions: readonly (readonly Item[])[];
  /** Bounded sources merge by time. */
  readonly bounded: boolean;
  /** Whole arrays are given, as sources in memory do. */
  readonly slices: boolean;
  readonly mostAtOnce: number;
  readonly delayMs: number;
  readonly life: Life;
  onOpen(source: number, positions: readonly (Position | null)[]): void;
  onPoll(poll: Poll): void;
  mark(): Mark;
}

export function simulatedSource(options: SourceOptions): Source<Timed> {
  const { index, partitions, bounded, life } = options;
  return {
    description: `simulated(${index})`,
    bounded,
    replayable: true,
    async open(context) {
      await life.operation({ name: `open source ${index}`, isChange: false, whole: () => {} });
      const positions = partitions.map(
        (_, i) => (context.positions?.get(String(i)) ?? null) as Position | null,
      );
      options.onOpen(index, positions);
      return partitions.map(
        (items, i) => new SimulatedPartition(options, context, i, items, positions[i]?.at ?? 0),
      );
    },
  };
}

class SimulatedPartition implements Partition<Timed> {
  readonly id: string;
  watermark?: number;
  slice?: (max: number) => Timed[];
  readonly #options: SourceOptions;
  readonly #context: SourceContext;
  readonly #partition: number;
  readonly #items: readonly Item[];
  /** Items before it were given. */
  #at: number;
  #fetched: number;
  #fetching = false;
  /** Of the records that the last poll gave. */
  #offsets: number[] = [];
  /** The last poll gave a word on time: the end is a poll of its own. */
  #spoke = false;

  constructor(
    options: SourceOptions,
    context: SourceContext,
    partition: number,
    items: readonly Item[],
    at: number,
  ) {
    this.id = String(partition);
    this.#options = options;
    this.#context = context;
    this.#partition = partition;
    this.#items = items;
    this.#at = at;
    this.#fetched = at;
    if (options.slices) {
      this.slice = (max) => {
        const records: Timed[] = [];
        this.poll(records, 0, max);
        return records;
      };
    }
    this.#fetch();
  }

  get ended(): boolean {
    return this.#at === this.#items.length && !this.#spoke;
  }

  get caughtUp(): boolean {
    return this.#at === this.#fetched;
  }

  poll(into: Timed[], at: number, max: number): number {
    const { index, life, onPoll } = this.#options;
    if (life.faults.strikes("fail-before", `poll ${index}`)) throw new Error("the source failed (injected)");
    const from = this.#at;
    this.#offsets = [];
    let watermark: number | null = null;
    while (this.#at < this.#fetched && this.#offsets.length < max) {
      const item = this.#items[this.#at];
      if ("watermark" in item) {
        // Its word on time comes behind the records before it.
        if (this.#offsets.length > 0) break;
        watermark = item.watermark;
        this.watermark = Math.max(this.watermark ?? watermark, watermark);
        this.#at += 1;
        break;
      }
      if ("bad" in item && item.bad === "malformed") {
        this.#context.reject(this.id, { offset: this.#at, reason: "it makes no sense" });
      } else {
        const record = "record" in item ? item.record : { at: "never" };
        into[at + this.#offsets.length] = record as unknown as Timed;
        this.#offsets.push(this.#at);
      }
      this.#at += 1;
    }
    this.#spoke = watermark !== null;
    const ended = this.#offsets.length === 0 && this.ended;
    const moved = this.#at > from;
    if (moved || ended) {
      onPoll({ source: index, partition: this.#partition, from, to: this.#at, watermark, ended });
    }
    if (this.#at < this.#fetched || this.#spoke) this.#wakeSoon();
    else this.#fetch();
    return this.#offsets.length;
  }

  locate(index: number) {
    return { offset: this.#offsets[index] };
  }

  position(index: number): Json {
    const at = index < this.#offsets.length ? this.#offsets[index] : this.#at;
    const position: Position = { at, mark: this.#options.mark() };
    return position;
  }

  async close(): Promise<void> {
    await this.#options.life.operation({
      name: `close source ${this.#options.index}`,
      isChange: false,
      whole: () => {},
    });
  }

  #fetch(): void {
    if (this.#fetching || this.#fetched === this.#items.length) return;
    this.#fetching = true;
    const { life, index, mostAtOnce, delayMs } = this.#options;
    life.later(`fetch ${index}/${this.id}`, life.dice.next() * delayMs, () => {
      this.#fetching = false;
      const n = 1 + life.dice.below(mostAtOnce);
      this.#fetched = Math.min(this.#items.length, this.#fetched + n);
      this.#context.wake();
    });
  }

  #wakeSoon(): void {
    this.#options.life.later(`wake ${this.#options.index}/${this.id}`, 0, () => this.#context.wake());
  }
}
