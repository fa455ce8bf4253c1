/**
 * A few of many records, spread evenly over all that came, without chance: every n-th is kept, and when there are too
 * many, every other one is let go and n doubles. Costs a comparison per record, and never holds more than 16.
 */

/** A record that was late for all its windows, and that nobody reads. */
export interface SampledRecord {
  readonly value: unknown;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

const MOST = 16;

export class Sample {
  private offered = 0;
  private stride = 1;
  private list: SampledRecord[] = [];

  /** In the order in which they came. */
  get records(): readonly SampledRecord[] {
    return this.list;
  }

  offer(value: unknown, timestamp: number): void {
    const isDue = this.offered % this.stride === 0;
    this.offered += 1;
    if (!isDue) return;
    if (this.list.length === MOST) {
      this.list = this.list.filter((_, i) => i % 2 === 0);
      this.stride *= 2;
      // The one at hand stays: 16 times the old n is a multiple of the new one.
    }
    this.list.push({ value, timestamp });
  }
}
