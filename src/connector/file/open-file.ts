/** Opening files to read them, and what is said where that fails: the same by every connector that reads files. */
import { MillraceError } from "../../core/errors.ts";
import type { Files, InputFile, Ports } from "../../core/ports.ts";

/** FILE_UNREADABLE with the path and, where reading had begun, the byte position. An error of Millrace's stays itself. */
export function fileUnreadable(path: string, cause: unknown, offset?: number): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const context = offset === undefined ? { partition: path } : { partition: path, offset };
  return new MillraceError("FILE_UNREADABLE", `${path} can't be read: ${reason}`, context, cause);
}

/** SOURCE_POSITION_LOST with the path, and the place where that is known. */
export function positionLost(
  path: string,
  place: { readonly offset: number; readonly line: number } | null,
  reason: string,
): MillraceError {
  const from = place === null ? "" : ` from byte ${place.offset}`;
  const where = place === null ? {} : { offset: place.offset, line: place.line };
  const context = { partition: path, ...where };
  return new MillraceError("SOURCE_POSITION_LOST", `${path} can't be read on${from}: ${reason}`, context);
}

/** Opens all of them, or closes those that could be opened and throws what befell the first that could not. */
export async function openAll<P, T extends { close(): Promise<void> }>(
  all: readonly P[],
  open: (one: P) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(all.map(open));
  const opened = results.filter((result) => result.status === "fulfilled").map((result) => result.value);
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return opened;
  await Promise.allSettled(opened.map((partition) => partition.close()));
  throw failed.reason;
}

/** @throws FILE_UNREADABLE */
export async function openFile(ports: Ports, path: string): Promise<InputFile> {
  try {
    return await ports.files.openRead(path);
  } catch (cause) {
    throw fileUnreadable(path, cause);
  }
}

/** Null where there is none. @throws FILE_UNREADABLE */
export async function openIfThere(files: Files, path: string): Promise<InputFile | null> {
  try {
    return await files.openRead(path);
  } catch (cause) {
    if ((await files.stat(path).catch(() => undefined)) === null) return null;
    throw fileUnreadable(path, cause);
  }
}
