/**
 * A copy of a value that user code may change in place, before it says that it did.
 *
 * Copied is what the structural codec keeps as well; anything else (an instance of a class, a function, a value within
 * itself) stays the same object. Cost: a spread per object, nothing for what is no object.
 */
import { binaryKind } from "../schema/binary.ts";
import { isPlain, isPlainArray } from "../schema/plain.ts";

export function copyOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? copyObject(value, null) : value;
}

interface Above {
  readonly object: object;
  readonly above: Above | null;
}

function copyObject(object: object, above: Above | null): object {
  for (let at = above; at !== null; at = at.above) if (at.object === object) return object;
  const here: Above = { object, above };
  const part = (value: unknown): unknown =>
    typeof value === "object" && value !== null ? copyObject(value, here) : value;
  if (Array.isArray(object)) return isPlainArray(object) ? object.map(part) : object;
  if (isPlain(object)) {
    const copy: Record<string, unknown> = { ...object };
    for (const name in copy) {
      const value = copy[name];
      if (typeof value === "object" && value !== null) copy[name] = copyObject(value, here);
    }
    return copy;
  }
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Map.prototype)
    return new Map(Array.from(object as Map<unknown, unknown>, ([key, value]) => [part(key), part(value)]));
  if (prototype === Set.prototype) return new Set(Array.from(object as Set<unknown>, part));
  if (prototype === Date.prototype) return new Date(object as Date);
  return binaryKind(prototype) === undefined ? object : copyBinary(object);
}

function copyBinary(object: object): object {
  if (Buffer.isBuffer(object)) return Buffer.from(object);
  if (object instanceof ArrayBuffer) return object.slice(0);
  if (object instanceof DataView)
    return new DataView(object.buffer.slice(object.byteOffset, object.byteOffset + object.byteLength));
  return (object as Uint8Array).slice();
}
