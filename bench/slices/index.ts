/** Sliding windows by slices. */
import type { Group } from "../benchmark.ts";

export const slices: Group = {
  "slide-1s": {
    what: "processor time per record of 1 h windows over 100,000 keys, sliding by 1 s against by 60 s; firing; state freed",
    target: 1.2,
    run: async (settings) => (await import("./slide.ts")).slideOneSecond(settings),
  },
};
