/** The rows of a store that somebody asks for: all are counted, and the first by address are kept. */
import { encodeToken, type Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import { OwnedTable } from "../state/owned-table.ts";
import type { Rows } from "../state/table.ts";

export interface SeenRow {
  readonly address: string;
  readonly bytes: number;
  readonly value: Uint8Array | null;
}

export class AskedRows {
  count = 0;
  bytes = 0;
  readonly isAsked: (address: string) => boolean;
  private readonly limit: number;
  private rows: SeenRow[] = [];
  /** Rows from here on are not among the first. */
  private bound: string | null = null;

  /** @param key undefined: all rows are asked for */
  constructor(table: Rows<Cell>, key: Token | undefined, limit: number) {
    this.limit = limit;
    this.isAsked = key === undefined ? () => true : rowsOf(table, key);
  }

  see(row: SeenRow): void {
    if (!this.isAsked(row.address)) return;
    this.count += 1;
    this.bytes += row.bytes;
    if (this.bound !== null && row.address >= this.bound) return;
    this.rows.push(row);
    if (this.rows.length >= 2 * this.limit) this.cut();
  }

  first(): readonly SeenRow[] {
    this.cut();
    return this.rows;
  }

  private cut(): void {
    this.rows.sort((a, b) => (a.address < b.address ? -1 : 1));
    if (this.rows.length < this.limit) return;
    this.rows.length = this.limit;
    this.bound = this.rows[this.limit - 1].address;
  }
}

/** Whether an address of the table is one of the key. */
function rowsOf(table: Rows<Cell>, key: Token): (address: string) => boolean {
  if (table instanceof OwnedTable) {
    const { from } = table.rangeOf(table.open(key), 0, 0x7fff) as { from: string };
    return (address) => address.startsWith(from);
  }
  const encoded = encodeToken(key);
  const at = table.prefix.length + (table.layout === "by-time" ? 8 : 0) + 2;
  return (address) => address.length === at + encoded.length && address.endsWith(encoded);
}
