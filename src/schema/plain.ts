/** What is plain data, and where values that contain values have to end. */

/** Deeper, a value likely contains itself; and neither side may run out of stack. */
export const MAX_DEPTH = 256;

/** An array is written hole by hole: a longer one is a mistake, and would stall the job before memory ends it. */
export const MAX_ELEMENTS = 2 ** 27;

/** Whether an object is no instance of a class: made by a literal, by JSON.parse, or without a prototype. */
export function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null || isForeignRoot(prototype as object);
}

/** Object.prototype of another realm (node:vm, as test runners use it). */
function isForeignRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** Whether an array is no instance of a subclass: in every realm Array.prototype is itself an array. */
export function isPlainArray(array: readonly unknown[]): boolean {
  const prototype: unknown = Object.getPrototypeOf(array);
  return prototype === Array.prototype || Array.isArray(prototype);
}

/** Sets an own field, also one named __proto__. */
export function setField(object: object, name: string, value: unknown): void {
  if (name !== "__proto__") (object as Record<string, unknown>)[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}
