import type { Group } from "./benchmark.ts";
import { core } from "./core/index.ts";
import { slices } from "./slices/index.ts";
import { state } from "./state/index.ts";

export const groups: Readonly<Record<string, Group>> = { core, slices, state };
