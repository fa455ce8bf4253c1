/**
 * State changes on their way into the log, and back out of it.
 *
 * A payload of the log is a run of changes: `1 address value` puts a row, `2 address` removes it, `3 from to` removes
 * a range; texts and values behind their length. Changes of the epoch at hand wait while the epoch before is still
 * being written down, since the log has one epoch after the other.
 */
import { ByteReader, ByteWriter } from "../schema/bytes.ts";
import type { Codec } from "../schema/codec.ts";
import { KEY_GROUPS } from "../core/key.ts";
import type { Change } from "./contract.ts";

/** Where payloads go: the log of the epochs. */
export interface LogSink {
  append(log: number, payload: Uint8Array): unknown;
}

/** Bytes at which a payload is handed on. */
const PAYLOAD_BYTES = 128 * 1024;

const PUT = 1;
const REMOVE = 2;
const REMOVE_RANGE = 3;

/** Which of the two epochs under way a change belongs to. */
export type Which = "past" | "now";

export class ChangeLog {
  private readonly sink: LogSink;
  private readonly logs: number;
  private now: ByteWriter[];
  private past: ByteWriter[] | null = null;
  private readonly value = new ByteWriter();
  /** Bytes of the past epoch's changes. */
  pastBytes = 0;
  private nowBytes = 0;

  /** @param logs key groups are spread over so many logs, in ranges */
  constructor(sink: LogSink, logs: number) {
    this.sink = sink;
    this.logs = logs;
    this.now = this.writers();
  }

  private writers(): ByteWriter[] {
    return Array.from({ length: this.logs }, () => new ByteWriter());
  }

  /** Returns the encoded value, until the next call. */
  put<V>(which: Which, group: number, address: string, codec: Codec<V>, value: V): Uint8Array {
    const { value: bytes } = this;
    bytes.reset();
    codec.encode(value, bytes);
    const into = this.writer(which, group);
    const before = into.at;
    into.u8(PUT);
    text(into, address);
    into.varint(bytes.at);
    const encoded = bytes.bytes.subarray(0, bytes.at);
    into.raw(encoded);
    this.written(which, group, into.at - before);
    return encoded;
  }

  remove(which: Which, group: number, address: string): void {
    const into = this.writer(which, group);
    const before = into.at;
    into.u8(REMOVE);
    text(into, address);
    this.written(which, group, into.at - before);
  }

  /** @param rangeOf the part of the range whose key groups lie in [from, to); null where there is none */
  removeRange(rangeOf: (fromGroup: number, toGroup: number) => { from: string; to: string } | null): void {
    for (let log = 0; log < this.logs; log++) {
      const first = this.firstGroup(log);
      const range = rangeOf(first, this.firstGroup(log + 1));
      if (range === null) continue;
      const into = this.writer("now", first);
      const before = into.at;
      into.u8(REMOVE_RANGE);
      text(into, range.from);
      text(into, range.to);
      this.written("now", first, into.at - before);
    }
  }

  /** From here on "now" is the next epoch, and what was it is "past" until `settle`. */
  barrier(): void {
    this.past = this.now;
    this.now = this.writers();
    this.pastBytes = this.nowBytes;
    this.nowBytes = 0;
  }

  /** The past epoch is complete: the rest of it goes to the log. */
  settle(): void {
    for (const [log, writer] of this.past?.entries() ?? []) this.handOn(writer, log);
    this.past = null;
  }

  /** Everything of the epoch at hand goes to the log; only where no past epoch is under way. */
  flush(): void {
    for (const [log, writer] of this.now.entries()) this.handOn(writer, log);
  }

  private firstGroup(log: number): number {
    return Math.ceil((log * KEY_GROUPS) / this.logs);
  }

  private logOf(group: number): number {
    return this.logs === 1 ? 0 : Math.floor((group * this.logs) / KEY_GROUPS);
  }

  private writer(which: Which, group: number): ByteWriter {
    return (which === "past" ? (this.past as ByteWriter[]) : this.now)[this.logOf(group)];
  }

  private written(which: Which, group: number, bytes: number): void {
    if (which === "past") this.pastBytes += bytes;
    else this.nowBytes += bytes;
    const writer = this.writer(which, group);
    if (writer.at >= PAYLOAD_BYTES && (which === "past" || this.past === null))
      this.handOn(writer, this.logOf(group));
  }

  private handOn(writer: ByteWriter, log: number): void {
    if (writer.at === 0) return;
    this.sink.append(log, writer.take());
    writer.reset();
  }
}

function text(into: ByteWriter, address: string): void {
  into.varint(address.length);
  into.latin1(address);
}

/** The changes of one payload, in their order. Values are views of the payload. */
export function* changesOf(payload: Uint8Array): Generator<Change> {
  const from = new ByteReader(payload);
  while (from.at < from.end) {
    const kind = from.u8();
    const address = from.latin1(from.varint());
    if (kind === PUT) yield { address, value: from.raw(from.varint()) };
    else if (kind === REMOVE) yield { address, value: undefined };
    else if (kind === REMOVE_RANGE) yield { from: address, to: from.latin1(from.varint()) };
    else throw new Error(`a change of kind ${kind}`);
  }
}
