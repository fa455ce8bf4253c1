/**
 * What the sources gave, in all lives: a tree, for a run that is taken back leaves a branch behind. A source's position
 * names its place in the tree, so a manifest tells which inputs, in which order, its epoch is made of.
 */

/** One poll of a partition: it gave the items [from, to). */
export interface Poll {
  readonly source: number;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** It gave nothing but this word on time. */
  readonly watermark: number | null;
  /** It gave nothing, and the partition has ended. */
  readonly ended: boolean;
}

/** A place in the history: behind so many polls of a branch. */
export type Mark = string;

interface Branch {
  readonly parent: Mark | null;
  readonly polls: Poll[];
}

export class History {
  readonly #branches: Branch[] = [];

  /** What is polled from now on follows the mark. */
  branch(parent: Mark | null): void {
    this.#branches.push({ parent, polls: [] });
  }

  add(poll: Poll): void {
    this.#branches[this.#branches.length - 1].polls.push(poll);
  }

  get mark(): Mark {
    const branch = this.#branches.length - 1;
    return `${branch}:${this.#branches[branch].polls.length}`;
  }

  /** All polls that lead to a mark. */
  pollsTo(mark: Mark | null): Poll[] {
    if (mark === null) return [];
    const [branch, polls] = mark.split(":").map(Number);
    const { parent, polls: own } = this.#branches[branch];
    return [...this.pollsTo(parent), ...own.slice(0, polls)];
  }
}
