/** The part files in a folder and in the partition folders below it. Touches nothing. */
import { join } from "node:path";
import type { Files } from "../../core/ports.ts";
import { numberOf, openName } from "./part-names.ts";

export interface FoundPart {
  /** Within the root, as readers see it or will see it. */
  readonly file: string;
  readonly folder: string;
  readonly number: number;
}

export interface FoundParts {
  readonly final: readonly FoundPart[];
  /** Those with hidden names. */
  readonly open: readonly FoundPart[];
}

export async function findParts(files: Files, root: string): Promise<FoundParts> {
  const found = { final: [] as FoundPart[], open: [] as FoundPart[] };
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await files.list(join(root, folder))) {
      const final = openName(name) ?? name;
      const number = numberOf(final);
      const path = (of: string) => (folder === "" ? of : `${folder}/${of}`);
      if (number !== undefined) {
        (final === name ? found.final : found.open).push({ file: path(final), folder, number });
      } else if (name.includes("=") && (await files.stat(join(root, path(name))))?.isFolder === true) {
        folders.push(path(name));
      }
    }
  }
  return found;
}

/** One more than the highest number in each folder. */
export function nextNumbers(parts: Iterable<Pick<FoundPart, "folder" | "number">>): Map<string, number> {
  const next = new Map<string, number>();
  for (const { folder, number } of parts) next.set(folder, Math.max(next.get(folder) ?? 0, number + 1));
  return next;
}
