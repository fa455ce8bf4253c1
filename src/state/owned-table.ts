/** Rows by (owner, key): the entries of each key's map, the elements of its list. */
import type { Token } from "../core/key.ts";
import { Bucket, type Cell } from "./bucket.ts";
import { KeyMap } from "./key-map.ts";
import { Rows } from "./table.ts";

export class OwnedTable<V extends Cell> extends Rows<V> {
  private readonly byOwner = new KeyMap<Bucket<V>>();

  constructor(operator: string, name: string) {
    super(operator, name, "by-owner");
  }

  override get buckets(): Iterable<Bucket<V>> {
    return valuesOf(this.byOwner);
  }

  override get owners(): number {
    return this.byOwner.size;
  }

  /** The rows of an owner; undefined where it is known that there are none. */
  find(owner: Token): Bucket<V> | undefined {
    const bucket = this.byOwner.get(owner);
    return bucket === undefined && this.keeper !== null && this.keeper.cold ? this.open(owner) : bucket;
  }

  /** What memory has of an owner. */
  held(owner: Token): Bucket<V> | undefined {
    return this.byOwner.get(owner);
  }

  /** The rows of an owner, to add to them. */
  open(owner: Token): Bucket<V> {
    let bucket = this.byOwner.get(owner);
    if (bucket === undefined) {
      bucket = new Bucket<V>(0, owner);
      // Over another backend nobody knows what it has of this owner.
      bucket.complete = this.keeper === null || !this.keeper.cold;
      this.byOwner.set(owner, bucket);
    }
    return bucket;
  }

  /** Removes all rows of an owner. */
  drop(owner: Token): void {
    const bucket = this.open(owner);
    this.keeper?.drop(bucket);
    if (this.keeper === null || !this.keeper.cold) this.byOwner.delete(owner);
  }

  /** Removes the rows of an owner for which it holds, and returns how many. @throws MISS */
  removeWhere(owner: Token, isGone: (row: V) => boolean): number {
    const bucket = this.find(owner);
    if (bucket === undefined) return 0;
    this.keeper?.all(bucket);
    const gone: Token[] = [];
    for (const [token, row] of bucket.rows.entries()) if (isGone(row)) gone.push(token);
    if (gone.length > 0 && gone.length === bucket.rows.size) this.drop(owner);
    else for (const token of gone) this.remove(bucket, token);
    return gone.length;
  }

  override remove(bucket: Bucket<V>, token: Token): void {
    super.remove(bucket, token);
    if (bucket.rows.size === 0 && (this.keeper === null || !this.keeper.cold)) this.release(bucket);
  }

  override release(bucket: Bucket<V>): void {
    this.byOwner.delete(bucket.owner as Token);
  }

  protected override bucketOf(_time: number, owner: Token | null): Bucket<V> {
    return this.open(owner as Token);
  }

  override forget(_time: number, owner: Token | null): void {
    this.byOwner.delete(owner as Token);
  }
}

function* valuesOf<V>(map: KeyMap<V>): Generator<V> {
  for (const [, value] of map.entries()) yield value;
}
