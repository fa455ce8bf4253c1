/** Errors of reading a file, told in one way by every connector that reads files. */
import { MillraceError } from "../../core/errors.ts";
import type { InputFile, Ports } from "../../core/ports.ts";

/** FILE_UNREADABLE with the path and, where reading had begun, the byte position. */
export function fileUnreadable(path: string, cause: unknown, offset?: number): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const context = offset === undefined ? { partition: path } : { partition: path, offset };
  return new MillraceError("FILE_UNREADABLE", `${path} can't be read: ${reason}`, context, cause);
}

/** Opens all of them, or closes those that could be opened and throws what befell the first that could not. */
export async function openAll<T extends { close(): Promise<void> }>(
  paths: readonly string[],
  open: (path: string) => Promise<T>,
): Promise<T[]> {
  const results = await Promise.allSettled(paths.map(open));
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
