/**
 * Names of part files. Within the sink's folder a part is known by its path with "/", as readers will see it:
 *
 *   country=DE/part-00007.ndjson          final
 *   country=DE/.part-00007.ndjson.open    while it is written, under "exactly-once"
 */
import { join } from "node:path";

export function partName(folder: string, prefix: string, number: number): string {
  const name = `${prefix}-${String(number).padStart(5, "0")}.ndjson`;
  return folder === "" ? name : `${folder}/${name}`;
}

export const folderOf = (part: string): string => part.slice(0, Math.max(0, part.lastIndexOf("/")));

export const finalPath = (root: string, part: string): string => join(root, part);

export function openPath(root: string, part: string): string {
  const folder = folderOf(part);
  return join(root, folder, `.${part.slice(part.lastIndexOf("/") + 1)}.open`);
}

/** The number in a part's name; undefined for other names. */
export function numberOf(name: string): number | undefined {
  const match = /^[^.].*-(\d{5,})\.ndjson$/s.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The final name of a part that is being written; undefined for other names. */
export function openName(name: string): string | undefined {
  const match = /^\.(.*)\.open$/s.exec(name);
  return match !== null && numberOf(match[1]) !== undefined ? match[1] : undefined;
}
