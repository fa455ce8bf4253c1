import type { Group } from "./benchmark.ts";
import { core } from "./core/index.ts";
import { state } from "./state/index.ts";

export const groups: Readonly<Record<string, Group>> = { core, state };
