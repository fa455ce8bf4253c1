/**
 * Where a text stops being JSON.
 *
 * V8's messages give a position only for some errors, so a text that JSON.parse refused is walked once more by the
 * grammar of RFC 8259. The walk keeps its own stack of open brackets: no depth of nesting can overflow it.
 */

const LITERALS = ["true", "false", "null"];
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** The longest start of a number, to find where a broken one breaks. */
const NUMBER_START = /-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:(?<=\d)[eE][+-]?\d*)?)?/y;
const HEX = /[0-9a-fA-F]{0,4}/y;
const SPACE = /[ \t\n\r]*/y;

/** Where the match of a sticky `pattern` at `from` ends; `from` if there is none. */
function after(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

/** The end of the string that starts at `from`, or ~position of its fault. A regular expression could overflow. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const c = text[at]!;
    if (c === '"') return at + 1;
    if (c < " ") return ~at;
    if (c !== "\\") continue;
    at++;
    if (text[at] === "u") {
      const end = after(HEX, text, at + 1);
      if (end < at + 5) return ~end;
      at += 4;
    } else if (at >= text.length || !'"\\/bfnrt'.includes(text[at]!)) {
      return ~Math.min(at, text.length);
    }
  }
  return ~text.length;
}

/** The end of the number or literal that starts at `from`, or ~position of its fault. */
function scalarEnd(text: string, from: number): number {
  const word = LITERALS.find((literal) => literal[0] === text[from]);
  if (word === undefined) {
    const end = after(NUMBER, text, from);
    const start = after(NUMBER_START, text, from);
    return end === from || start > end ? ~start : end;
  }
  let at = from;
  while (at < from + word.length && text[at] === word[at - from]) at++;
  return at === from + word.length ? at : ~at;
}

/**
 * The index of the first character that can't follow what stands before it: `text.length` where the text ends too
 * early, undefined where the text is JSON.
 *
 * @example jsonFaultAt('{"a":x}') // 5
 */
export function jsonFaultAt(text: string): number | undefined {
  const open: string[] = [];
  let want: "value" | "value or ]" | "key" | "key or }" | "rest" = "value";
  let at = after(SPACE, text, 0);
  for (; at < text.length || want !== "rest" || open.length > 0; at = after(SPACE, text, at)) {
    const c = text[at];
    const inside = open.at(-1);
    if (want === "rest") {
      if (c === "," && inside !== undefined) {
        want = inside === "{" ? "key" : "value";
        at++;
        continue;
      }
      if (!(inside === "{" && c === "}") && !(inside === "[" && c === "]")) return at;
      open.pop();
      at++;
      continue;
    }
    if ((want === "key or }" && c === "}") || (want === "value or ]" && c === "]")) {
      want = "rest";
      continue;
    }
    if (want === "key" || want === "key or }") {
      if (c !== '"') return at;
      const end = stringEnd(text, at);
      if (end < 0) return ~end;
      at = after(SPACE, text, end);
      if (text[at] !== ":") return at;
      at++;
      want = "value";
      continue;
    }
    if (c === "{" || c === "[") {
      open.push(c);
      want = c === "{" ? "key or }" : "value or ]";
      at++;
      continue;
    }
    const end = c === '"' ? stringEnd(text, at) : scalarEnd(text, at);
    if (end < 0) return ~end;
    at = end;
    want = "rest";
  }
  return undefined;
}
