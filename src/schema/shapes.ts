/**
 * The dictionary of object shapes: a shape is the ordered list of an object's field names.
 *
 * A row holds a shape's id instead of its names: half the bytes, and a decoder can make the object as one literal.
 * Ids are dense and never change. The dictionary is part of every epoch's manifest, and a row's shapes are in it when
 * the row has been encoded, so that no decided row has an id that a restarted job does not know.
 *
 * It is bounded, since objects used as dictionaries (a field per user) would make a shape per row: who gets no id is
 * written with its names.
 */
import { MillraceError } from "../core/errors.ts";

/** Shapes of a job: some hundreds are many; the manifest stays below a few hundred kilobytes. */
export const MAX_SHAPES = 1000;
/** Fields of a shape: a longer object is likely a dictionary. */
export const MAX_SHAPE_FIELDS = 64;
/** Characters of all names of a shape together: names longer than that are likely data. */
const MAX_SHAPE_CHARACTERS = 2048;

/** A tree of names: the way from the root spells a shape. */
interface Node {
  id: number;
  readonly next: Map<string, Node>;
}

const NO_ID = -1;

export class Shapes {
  readonly #names: (readonly string[])[] = [];
  readonly #root: Node = { id: NO_ID, next: new Map() };

  /** The dictionary that `toJSON` gave. @throws STATE_DAMAGED */
  static from(json: unknown): Shapes {
    const shapes = new Shapes();
    const isShape = (names: unknown): names is string[] =>
      Array.isArray(names) && names.every((name) => typeof name === "string");
    if (!Array.isArray(json) || !json.every(isShape)) {
      throw new MillraceError(
        "STATE_DAMAGED",
        "the list of object shapes is damaged: it is no list of names",
      );
    }
    for (const [id, names] of json.entries()) {
      if (shapes.#add(names) !== id) {
        throw new MillraceError("STATE_DAMAGED", `the list of object shapes is damaged: one is there twice`);
      }
    }
    return shapes;
  }

  /** How many there are: the ids are 0 ... size - 1. */
  get size(): number {
    return this.#names.length;
  }

  /** The names of a shape; undefined where there is none. */
  names(id: number): readonly string[] | undefined {
    return this.#names[id];
  }

  /** The id of a shape, which is given one if need be; -1 where it gets none. */
  idOf(names: readonly string[]): number {
    if (names.length > MAX_SHAPE_FIELDS) return NO_ID;
    let node: Node | undefined = this.#root;
    for (let i = 0; i < names.length && node !== undefined; i++) node = node.next.get(names[i]);
    if (node !== undefined && node.id !== NO_ID) return node.id;
    if (this.size >= MAX_SHAPES) return NO_ID;
    let characters = 0;
    for (const name of names) characters += name.length;
    return characters > MAX_SHAPE_CHARACTERS ? NO_ID : this.#add(names);
  }

  #add(names: readonly string[]): number {
    let node = this.#root;
    for (const name of names) {
      let next = node.next.get(name);
      if (next === undefined) node.next.set(name, (next = { id: NO_ID, next: new Map() }));
      node = next;
    }
    if (node.id === NO_ID) node.id = this.#names.push([...names]) - 1;
    return node.id;
  }

  toJSON(): string[][] {
    return this.#names.map((names) => [...names]);
  }
}
