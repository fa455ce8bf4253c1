/** The public test kit: pipelines in virtual time, and the harness that runs them in every way. */
export { type DriverOptions, type Output, TestDriver, testDriver } from "./driver.ts";
export { type HarnessOptions, type HarnessResult, operatorHarness } from "./harness.ts";
export type { TraceItem } from "./scripted-intake.ts";
export type { StateRow } from "../state/table.ts";
