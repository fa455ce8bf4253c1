import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, isRunnable, type Ran, run, scratch } from "./markdown.ts";

/** Runs the marked blocks of a page. `least`: runnable ones that it must have. */
export function checkPage(page: string, least: number): void {
  const blocks = blocksOf(page);
  assert.ok(blocks.filter(isRunnable).length >= least, `${page} has fewer than ${least} runnable blocks`);
  const folder = scratch();
  try {
    for (const { mark, text } of blocks) {
      if (mark.startsWith("file=")) writeFileSync(join(folder, mark.slice("file=".length)), text);
    }
    let last: Ran | undefined;
    for (const block of blocks) {
      const { mark, text, line } = block;
      if (isRunnable(block)) {
        last = run(folder, page, block);
        assert.equal(last.status, 0, `${page}:${line} failed\n${last.stdout}\n${last.stderr}`);
      } else if (mark === "prints") {
        assert.equal(last?.stdout, text, `${page}:${line} shows what was not printed`);
      } else if (mark.startsWith("result=")) {
        const result = readFileSync(join(folder, mark.slice("result=".length)), "utf8");
        assert.equal(result, text, `${page}:${line} shows what was not written`);
      } else if (mark !== "" && !mark.startsWith("file=")) {
        assert.fail(`${page}:${line} has a mark that means nothing: ${mark}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
