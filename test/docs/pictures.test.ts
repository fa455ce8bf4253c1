/** The pictures of docs/guides/time.md are those of today's runs, can be read, and stand in the guide. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { legendOf } from "../../docs/pictures/draw.ts";
import type { Box } from "../../docs/pictures/marks.ts";
import { FOLDER, laidOut, pictures, scenes } from "../../docs/pictures/pictures.ts";
import { read } from "./markdown.ts";

test("the pictures are those of today's runs, and there are no others (npm run pictures writes them)", async () => {
  const made = await pictures();
  assert.equal(made.size, scenes.length, "each has a name of its own");
  const files = globSync("*", { cwd: FOLDER }).map((file) => basename(file, ".svg"));
  assert.deepEqual(files.toSorted(), [...made.keys()].toSorted());
  for (const [name, svg] of made) assert.equal(readFileSync(join(FOLDER, `${name}.svg`), "utf8"), svg, name);
});

test("each picture stands once in the guide, with what it shows in words", () => {
  const shown = [...read("docs/guides/time.md").matchAll(/!\[(.*?)\]\(images\/time\/(.*?)\.svg\)/gs)];
  assert.deepEqual(shown.map(([, , name]) => name).toSorted(), scenes.map(({ name }) => name).toSorted());
  const described = new Map(scenes.map(({ name, description }) => [name, description]));
  for (const [, alt, name] of shown) assert.equal(alt.replaceAll("\n", " "), described.get(name), name);
});

test("a picture needs nothing from elsewhere, and says what it shows to those who don't see it", async () => {
  for (const [name, svg] of await pictures()) {
    assert.doesNotMatch(
      svg.replace('xmlns="http://www.w3.org/2000/svg"', ""),
      /https?:|href|url\(|<script|<style/,
      name,
    );
    assert.match(svg, /role="img" aria-labelledby="\S+-title \S+-desc"/, name);
    assert.match(svg, /<title id="\S+-title">[^<]+<\/title>\n<desc id="\S+-desc">[^<]{20,}<\/desc>/, name);
  }
});

const meet = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const around = (x: number, y: number): Box => ({ x: x - 9, y: y - 9, width: 18, height: 18 });

for (const scene of scenes) {
  test(`in the picture ${scene.name} nothing hides anything, and all of it is inside`, async () => {
    const layout = await laidOut(scene);
    const { panes, labels, dots, width, height } = layout;
    assert.ok(dots.length > 0 && panes.length > 0, "there is something to see");
    const boxes: [name: string, box: Box][] = [
      ...labels.map((label): [string, Box] => [`text ${label.text}`, label]),
      ...dots.map(({ n, x, y }): [string, Box] => [`record ${n}`, around(x, y)]),
      ...panes.map((pane): [string, Box] => [`pane ${pane.label.text}`, pane]),
      // A pane's text is inside its box, or beside it.
      ...panes
        .filter(({ x, width, label }) => label.x < x || label.x + label.width > x + width)
        .map(({ label }): [string, Box] => [`text of pane ${label.text}`, label]),
      ...legendOf(layout).map(({ label, box }): [string, Box] => [`legend ${label.text}`, box]),
    ];
    boxes.forEach(([name, box], i) => {
      const isInside = box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
      assert.ok(isInside, `${name} is outside`);
      for (const [other, otherBox] of boxes.slice(i + 1))
        assert.ok(!meet(box, otherBox), `${name} and ${other}`);
    });
  });
}

test("nowhere does a watermark go back", async () => {
  for (const scene of scenes) {
    const { lines } = await laidOut(scene);
    for (const { points } of lines) {
      points.slice(1).forEach(([x, y], i) => {
        assert.ok(x >= points[i][0] && y >= points[i][1], scene.name);
      });
    }
  }
});
