/** What a run needs of the engine, in one place: each variant of the engine (load.ts) is a copy of this module. */
export { forEach, files, ndjsonFile } from "../../src/index.ts";
export { MillraceError } from "../../src/core/errors.ts";
export { Loop } from "../../src/runtime/loop.ts";
export { reportOf } from "../../src/runtime/report.ts";
export { openDurable } from "../../src/job/durable.ts";
export { checkGuarantee, checkOptions } from "../../src/job/options.ts";
export { withRestarts } from "../../src/job/restarts.ts";
export { bind } from "../../test/property/bind.ts";
export { build as buildProcess } from "../../test/property/process-program.ts";

export type Engine = typeof import("./entry.ts");
