/**
 * Fenced blocks of a Markdown page, and what it takes to run those that are marked.
 *
 *   ts runnable        is run by node, in a folder that all blocks of the page share
 *   <language> file=NAME     is written to NAME before any block runs
 *   <language> result=NAME   is what NAME holds at the end
 *   <language> prints        is what the runnable block before it printed
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** Every page that is documentation, relative to the root. */
export const pages = globSync(["*.md", "docs/**/*.md", "test/conformance/README.md"], { cwd: root })
  .map((page) => page.replaceAll("\\", "/"))
  .toSorted();

export const read = (page: string): string => readFileSync(join(root, page), "utf8");

export interface Block {
  readonly language: string;
  /** What stands behind the language. */
  readonly mark: string;
  readonly text: string;
  readonly line: number;
}

export function blocksOf(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(/^```(\w+)?[ ]*(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? "",
    mark: match[2]!.trim(),
    text: match[3]!,
    line: text.slice(0, match.index).split("\n").length,
  }));
}

export const isRunnable = ({ language, mark }: Block): boolean => language === "ts" && mark === "runnable";

/** A new folder inside the repository, so that `import ... from "millrace"` finds the repository itself. */
export function scratch(): string {
  mkdirSync(join(root, "out"), { recursive: true });
  return mkdtempSync(join(root, "out/docs-"));
}

/** The file of a runnable block. */
export const fileOf = (page: string, { line }: Block): string => `${page.replaceAll(/\W/g, "-")}-${line}.ts`;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(folder: string, page: string, block: Block): Ran {
  const file = fileOf(page, block);
  writeFileSync(join(folder, file), block.text);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--conditions=millrace-source", file], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}
