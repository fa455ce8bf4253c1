/** First in, first out, in a ring that doubles when it is full; a slot that was read holds nothing alive. */
export class RecordQueue<T> {
  #slots: (T | undefined)[] = new Array(16);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(record: T): void {
    const slots = this.#slots;
    if (this.#size === slots.length) {
      this.#slots = [...slots.slice(this.#head), ...slots.slice(0, this.#head)];
      this.#slots.length = 2 * slots.length;
      this.#head = 0;
    }
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = record;
  }

  /** The oldest record; only while `size` > 0. */
  shift(): T {
    const record = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    return record;
  }

  clear(): void {
    this.#slots = new Array(16);
    this.#head = 0;
    this.#size = 0;
  }
}
