import { inspect } from "node:util";
import type { Sink } from "../contract.ts";

export interface ConsoleOptions<T> {
  /** The text of a record. Default: JSON in one line, or Node's notation for what JSON can't hold. */
  readonly format?: (record: T) => string;
}

function jsonOrInspect(record: unknown): string {
  try {
    const text = JSON.stringify(record);
    if (text !== undefined) return text;
  } catch {
    // A bigint, a cycle, a toJSON that throws: Node's notation can show them all.
  }
  return inspect(record, { breakLength: Number.POSITIVE_INFINITY });
}

/**
 * Prints every record to standard output, a line each.
 *
 * @example
 * totals.to(toConsole({ format: (total) => `${total.key}: ${total.value}` }))
 */
export function toConsole<T>(options: ConsoleOptions<T> = {}): Sink<T> {
  const { format = jsonOrInspect } = options;
  return {
    description: "toConsole()",
    async open() {
      return {
        write(values, _timestamps, from, to) {
          if (from >= to) return;
          let text = format(values[from]!);
          for (let i = from + 1; i < to; i++) text += `\n${format(values[i]!)}`;
          console.log(text);
        },
        async flush() {},
        async close() {},
      };
    },
  };
}
