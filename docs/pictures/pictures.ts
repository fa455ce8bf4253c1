/** All pictures of docs/guides/time.md, from runs that are made anew each time. */
import { join } from "node:path";
import { drawn } from "./draw.ts";
import { layoutOf } from "./layout.ts";
import type { Layout } from "./marks.ts";
import { recorded } from "./record.ts";
import { kinds } from "./scenes/kinds.ts";
import { firing } from "./scenes/firing.ts";
import { watermarks } from "./scenes/watermarks.ts";
import type { Scene } from "./scene.ts";

export const FOLDER = join(import.meta.dirname, "../guides/images/time");

export const scenes: readonly Scene[] = [...watermarks, ...kinds, ...firing];

export const laidOut = async (scene: Scene): Promise<Layout> => layoutOf(scene, await recorded(scene));

/** By the name of the file. */
export async function pictures(): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const scene of scenes) made.set(scene.name, drawn(scene, await laidOut(scene)));
  return made;
}
