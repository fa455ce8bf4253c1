/** Errors as the command line prints them: what happened, where, how to mend it, and what it came from. */
import { inspect } from "node:util";
import type { MillraceError } from "../core/errors.ts";

// By name: the file may have loaded another copy of Millrace than this one.
const isOurs = (error: unknown): error is MillraceError =>
  error instanceof Error && error.name === "MillraceError";

/** 2 where the command line, or the file that it names, is at fault; else 1. */
export const exitCodeOf = (error: unknown): number =>
  isOurs(error) && error.code.startsWith("CLI_") ? 2 : 1;

/** Ends with a line break. Errors that are not Millrace's own come with their stacks anyway. */
export function errorText(error: unknown, { withStack }: { readonly withStack: boolean }): string {
  if (!isOurs(error)) return `error: ${inspect(error)}\n`;
  const lines = [`error: ${error.message}`];
  if (withStack) lines.push(...framesOf(error));
  const seen = new Set<unknown>([error]);
  for (let { cause } = error as Error; cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    // The text of a cause often stands in the message above it already.
    const text = headOf(cause);
    if (withStack || !lines.some((line) => line.includes(text))) lines.push(`  caused by: ${text}`);
    if (withStack) lines.push(...framesOf(cause));
    else if (!isOurs(cause)) lines.push(...framesOf(cause).filter(isOfUser).slice(0, 1));
  }
  return `${lines.join("\n")}\n`;
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

function headOf(error: unknown): string {
  if (isOurs(error)) return error.message.split("\n", 1)[0];
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
}

function framesOf(error: unknown): string[] {
  const stack = error instanceof Error ? String(error.stack) : "";
  return stack.split("\n").filter((line) => /^\s+at /.test(line));
}

/** The folder of the running code: src or dist. */
const engine = new URL("..", import.meta.url);

/** True for a place in the user's own code: neither Node's, nor ours, nor code that we generated. */
const isOfUser = (frame: string): boolean =>
  /[/\\].*:\d+:\d+\)?$/.test(frame) &&
  !/node:|eval at|[/\\]node_modules[/\\]/.test(frame) &&
  !frame.includes(engine.href) &&
  !frame.includes(decodeURIComponent(engine.pathname));
