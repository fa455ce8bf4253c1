/**
 * What the changes of a log leave: by address, how many bytes a row has, and its value only where that is asked for.
 *
 * Rows lie in groups that are removed together (those of one time, or of one owner), so that a removed range costs what
 * was in its group, not a look at every row. Memory: the addresses, about 150 bytes a row.
 */
import type { Change, RowLayout } from "../state/contract.ts";
import { KeyMap } from "../state/key-map.ts";
import { RemovedRanges } from "./removed-ranges.ts";

/** Bytes of the value, or the value; null where the log removed the row and something older may have it. */
type Entry = number | Uint8Array | null;

export interface ReplayOptions {
  /** By the prefix of a table. */
  readonly layouts: ReadonlyMap<string, RowLayout>;
  /** The rows whose values are kept. */
  readonly wants: (address: string) => boolean;
  /** There are older rows elsewhere, so removals count. */
  readonly isTail: boolean;
}

export class ReplayedRows {
  private readonly groups = new KeyMap<KeyMap<Entry>>();
  private readonly removed = new RemovedRanges();
  private readonly options: ReplayOptions;

  constructor(options: ReplayOptions) {
    this.options = options;
  }

  apply(change: Change): void {
    const { isTail, wants } = this.options;
    if ("from" in change) {
      this.removeRange(change.from, change.to);
      return;
    }
    const { address, value } = change;
    if (value === undefined && !isTail) {
      this.groups.get(this.groupOf(address))?.delete(address);
      return;
    }
    const entry = value === undefined ? null : wants(address) ? Uint8Array.from(value) : value.length;
    const name = this.groupOf(address);
    let group = this.groups.get(name);
    if (group === undefined) this.groups.set(name, (group = new KeyMap<Entry>()));
    group.set(address, entry);
  }

  private removeRange(from: string, to: string): void {
    if (this.options.isTail) this.removed.add(from, to);
    const name = this.groupOf(from);
    const group = this.groups.get(name);
    if (group === undefined) return;
    for (const [address] of group.entries())
      if ((address as string) >= from && (address as string) < to) group.delete(address);
    if (group.size === 0) this.groups.delete(name);
  }

  /** Whether the log says what became of the row, so that an older one elsewhere is none. */
  knows(address: string): boolean {
    const entry = this.groups.get(this.groupOf(address))?.get(address);
    return entry !== undefined || this.removed.has(address);
  }

  /** Each row with the bytes of its value, and the value where it was wanted. */
  *rows(): Generator<{ address: string; valueBytes: number; value: Uint8Array | null }> {
    for (const [, group] of this.groups.entries()) {
      for (const [address, entry] of group.entries()) {
        if (entry === null) continue;
        const value = typeof entry === "number" ? null : entry;
        yield { address: address as string, valueBytes: value?.length ?? (entry as number), value };
      }
    }
  }

  private groupOf(address: string): string {
    const prefix = prefixOf(address);
    const at = prefix.length;
    switch (this.options.layouts.get(prefix)) {
      case "by-time":
        return address.slice(0, at + 8);
      case "by-owner": {
        // Behind the key group stands the owner's length in four bytes.
        const length = Buffer.from(address.slice(at + 2, at + 6), "latin1").readUInt32BE(0);
        return address.slice(0, at + 6 + length);
      }
      default:
        return prefix;
    }
  }
}

/** An address begins with two names, each ended by NUL. */
export function prefixOf(address: string): string {
  return address.slice(0, address.indexOf("\0", address.indexOf("\0") + 1) + 1);
}
