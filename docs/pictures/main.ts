/** Writes the pictures of docs/guides/time.md: npm run pictures */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FOLDER, pictures } from "./pictures.ts";

mkdirSync(FOLDER, { recursive: true });
for (const [name, svg] of await pictures()) writeFileSync(join(FOLDER, `${name}.svg`), svg);
