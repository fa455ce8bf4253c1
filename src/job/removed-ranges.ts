/** A set of ranges [from, to) of addresses, as disjoint ones in order. */

export class RemovedRanges {
  private readonly froms: string[] = [];
  private readonly tos: string[] = [];

  add(from: string, to: string): void {
    if (from >= to) return;
    const { froms, tos } = this;
    // Those that it touches become one with it: the first that ends at or behind its beginning, and what follows.
    const first = firstWhere(tos, (end) => end >= from);
    let last = first;
    while (last < froms.length && froms[last] <= to) last += 1;
    const start = last > first && froms[first] < from ? froms[first] : from;
    const end = last > first && tos[last - 1] > to ? tos[last - 1] : to;
    froms.splice(first, last - first, start);
    tos.splice(first, last - first, end);
  }

  has(address: string): boolean {
    const at = firstWhere(this.tos, (end) => end > address);
    return at < this.froms.length && this.froms[at] <= address;
  }
}

/** The first index for which `holds`, which from some index on holds for all. */
function firstWhere(texts: readonly string[], holds: (text: string) => boolean): number {
  let low = 0;
  for (let high = texts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (holds(texts[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
