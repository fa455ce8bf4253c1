/** Buffers and their views: a byte that says which kind, and their bytes as they lie in memory (little-endian). */
import { type ByteReader, type ByteWriter, damaged } from "./bytes.ts";

type Binary = ArrayBuffer | ArrayBufferView;

interface Kind {
  readonly prototype: unknown;
  readonly make: (copy: ArrayBuffer) => Binary;
}

const viewKind = (View: new (copy: ArrayBuffer) => Binary): Kind => ({
  prototype: View.prototype,
  make: (copy) => new View(copy),
});

/** The index is the kind's byte: append only. */
const KINDS: readonly Kind[] = [
  { prototype: ArrayBuffer.prototype, make: (copy) => copy },
  { prototype: Buffer.prototype, make: (copy) => Buffer.from(copy) },
  viewKind(DataView),
  viewKind(Uint8Array),
  viewKind(Uint8ClampedArray),
  viewKind(Int8Array),
  viewKind(Uint16Array),
  viewKind(Int16Array),
  viewKind(Uint32Array),
  viewKind(Int32Array),
  viewKind(Float32Array),
  viewKind(Float64Array),
  viewKind(BigUint64Array),
  viewKind(BigInt64Array),
  viewKind(Float16Array),
];

const kindByPrototype = new Map<unknown, number>(KINDS.map(({ prototype }, kind) => [prototype, kind]));

/** The kind of the objects with this prototype; undefined where they are no buffers. */
export const binaryKind = (prototype: unknown): number | undefined => kindByPrototype.get(prototype);

export function writeBinary(kind: number, value: Binary, into: ByteWriter): void {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  into.u8(kind);
  into.varint(bytes.length);
  into.raw(bytes);
}

export function readBinary(from: ByteReader): Binary {
  const kind = KINDS[from.u8()];
  if (kind === undefined) throw damaged(from, "unknown kind of buffer");
  return kind.make(new Uint8Array(from.raw(from.varint())).buffer);
}
