/** The way to a part of a value, as a program would write it: `cart.items[3].price`. */

/** A field or an index; or a step that is written in its own way, as `.get("a")`. */
export type Step = PropertyKey | { readonly key: PropertyKey; readonly text?: string };

/** Longer paths are cut: deep values would fill screens. */
const MAX_PATH = 200;

export function pathText(steps: readonly Step[]): string {
  let text = "";
  for (const step of steps) {
    text += typeof step === "object" ? (step.text ?? stepText(step.key, text)) : stepText(step, text);
    if (text.length > MAX_PATH) return `${text.slice(0, MAX_PATH)}…`;
  }
  return text === "" || text.startsWith(".") ? `the value${text}` : text;
}

function stepText(key: PropertyKey, before: string): string {
  if (typeof key !== "string") return `[${String(key)}]`;
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `[${JSON.stringify(key)}]`;
  return before === "" ? key : `.${key}`;
}
