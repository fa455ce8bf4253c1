/** What the states of process() are declared with, and what its functions get for it. */
import { MillraceError, preview } from "../core/errors.ts";
import type { Key } from "../core/key.ts";
import { type Duration, durationMs } from "../core/time.ts";
import type { StateSpec } from "../plan/process-node.ts";
import type { Codec } from "../schema/codec.ts";
import { checkCoding } from "../schema/coding.ts";
import type { StandardSchema } from "../schema/standard.ts";
import type { Upcasters } from "../schema/versioned.ts";
import type { MustNotBePromise } from "./types.ts";

/** One value of the key at hand. What `get` gives is the state's own: to change it is to `set` it. */
export interface ValueState<T, Got = T | undefined> {
  get(): Got;
  set(value: T): void;
  /** Back to what it was before it was set. */
  clear(): void;
}

/** The elements of the key at hand, in the order in which they were added. */
export interface ListState<T> {
  /** All of them, in an array of its own. */
  get(): T[];
  /** Reads nothing, however long the list is. */
  add(value: T): void;
  clear(): void;
}

/** The entries of the key at hand. */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  set(key: K, value: V): void;
  delete(key: K): void;
  /** All of them, in the order of their keys: numbers by size, texts by code unit. */
  entries(): [K, V][];
  clear(): void;
}

export interface StateOptions<T> {
  /** How long a value lives after it was written. Default: for ever */
  readonly ttl?: Duration;
  /**
   * What the TTL is measured by: "event" (default), from the timestamp of the record or timer that wrote it until the
   * watermark is there; "processing", by the clock.
   */
  readonly ttlTime?: "event" | "processing";
  /** What values are: made by `t`, or any Standard Schema. Default: plain data of any kind */
  readonly schema?: StandardSchema<any, T>;
  /** How values become bytes; in place of a schema. */
  readonly codec?: Codec<T>;
  /** Of the values' form, from 1 (default) on: raise it when the form changes, and say what becomes of older ones. */
  readonly version?: number;
  /** `upcast[1]` makes a value of version 2 of one of version 1. */
  readonly upcast?: Upcasters;
  /** The schemas or codecs of older versions, where they had one. */
  readonly older?: Readonly<Record<number, StandardSchema | Codec<any>>>;
}

export interface ValueOptions<T> extends StateOptions<T> {
  /** What `get` gives before the value was set. Default: undefined */
  readonly initial?: () => T & MustNotBePromise<T>;
}

type Spec = Omit<StateSpec, "name" | "touches">;

/** A declared state; H is what the functions of process() get. */
export interface StateDeclaration<H> {
  readonly spec: Spec;
  /** Only in the type. */
  readonly handle?: H;
}
export interface ValueDeclaration<T, Got> extends StateDeclaration<ValueState<T, Got>> {
  readonly spec: Spec & { readonly kind: "value" };
}
export interface ListDeclaration<T> extends StateDeclaration<ListState<T>> {
  readonly spec: Spec & { readonly kind: "list" };
}
export interface MapDeclaration<K, V> extends StateDeclaration<MapState<K, V>> {
  readonly spec: Spec & { readonly kind: "map" };
}

/**
 * One value per key.
 * @example valueState<number>({ initial: () => 0 })
 * @example valueState({ schema: t.object({ total: t.number }), ttl: "1h" })
 * @throws OPTION_INVALID, DURATION_INVALID
 */
export function valueState<T>(
  options: ValueOptions<T> & { readonly initial: () => T & MustNotBePromise<T> },
): ValueDeclaration<T, T>;
export function valueState<T>(options?: ValueOptions<T>): ValueDeclaration<T, T | undefined>;
export function valueState(options: ValueOptions<any> = {}): ValueDeclaration<any, any> {
  const { initial } = options;
  if (initial !== undefined && typeof initial !== "function")
    throw invalid(`initial is a function that gives the first value, not ${preview(initial)}`);
  return { spec: { kind: "value", initial, ...specOf(options) } };
}

/**
 * A list per key, to which one adds. It is read as a whole: what grows without bound is better a map.
 * @example listState<Order>({ ttl: "1d" })
 * @throws OPTION_INVALID, DURATION_INVALID
 */
export function listState<T>(options: StateOptions<T> = {}): ListDeclaration<T> {
  return { spec: { kind: "list", initial: undefined, ...specOf(options) } };
}

/**
 * A map per key. An entry costs the same in a large one as in a small one.
 * @example mapState<string, number>({ ttl: "1h", ttlTime: "processing" })
 * @throws OPTION_INVALID, DURATION_INVALID
 */
export function mapState<K extends Key, V>(options: StateOptions<V> = {}): MapDeclaration<K, V> {
  return { spec: { kind: "map", initial: undefined, ...specOf(options) } };
}

function specOf({
  ttl,
  ttlTime = "event",
  schema,
  codec,
  version = 1,
  upcast = {},
  older = {},
}: StateOptions<any>): Pick<StateSpec, "ttl" | "coding"> {
  if (ttlTime !== "event" && ttlTime !== "processing")
    throw invalid(`ttlTime is "event" or "processing", not ${preview(ttlTime)}`);
  const ms = ttl === undefined ? null : durationMs(ttl, "ttl");
  if (ms === 0) throw invalid("ttl: values that live for 0 ms are never there");
  if (schema !== undefined && codec !== undefined)
    throw invalid("A state has a schema or a codec, and not both");
  return {
    ttl: ms === null ? null : { ms, time: ttlTime },
    coding: checkCoding({ by: schema ?? codec, version, upcasters: upcast, older }),
  };
}

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", what);
