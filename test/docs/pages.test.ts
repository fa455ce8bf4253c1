/** The other pages: their programs run, all programs are typed as strictly as the sources, and no link is dead. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { checkPage } from "./check-page.ts";
import { blocksOf, fileOf, isRunnable, pages, read, root, scratch } from "./markdown.ts";

for (const page of pages.filter((p) => p !== "README.md" && blocksOf(p).some(isRunnable))) {
  test(`the programs of ${page} give what it shows`, () => checkPage(page, 1));
}

test("the programs of all pages type-check under the settings of the sources", () => {
  const folder = scratch();
  try {
    for (const page of pages) {
      for (const block of blocksOf(page).filter(isRunnable)) {
        // Without an import or export a file is no module, and its names would meet those of others.
        writeFileSync(join(folder, fileOf(page, block)), `${block.text}\nexport {};\n`);
      }
    }
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"] }),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "."], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

function deadLinksOf(page: string): string[] {
  const text = read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [path, anchor] = link.split("#");
      const target = path === "" ? page : normalize(join(dirname(page), path!)).replaceAll("\\", "/");
      if (!existsSync(join(root, target))) return true;
      if (anchor === undefined) return false;
      const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1]!));
      return !headings.includes(anchor);
    });
}

for (const page of pages) {
  test(`every link of ${page} leads somewhere`, () => assert.deepEqual(deadLinksOf(page), []));
}

test("every page under docs can be reached from README.md", () => {
  const reached = new Set<string>();
  const visit = (page: string): void => {
    if (reached.has(page) || !pages.includes(page)) return;
    reached.add(page);
    for (const match of read(page).matchAll(/\]\(([^)#\s]+)/g)) {
      visit(normalize(join(dirname(page), match[1]!)).replaceAll("\\", "/"));
    }
  };
  visit("README.md");
  assert.deepEqual(
    pages.filter((page) => page.startsWith("docs/") && !reached.has(page)),
    [],
  );
});
