#!/usr/bin/env node
/**
 * The bin. Nothing of Millrace is loaded before it is certain that this Node can run it, and that Node's compile
 * cache is on. This file itself must load on any Node that knows modules: hence the default import.
 */
import module from "node:module";

const LEAST_NODE = 24;

const { node } = process.versions;
if (Number.parseInt(node, 10) < LEAST_NODE) {
  console.error(
    `error: millrace needs Node ${LEAST_NODE} or later, and this is Node ${node} (${process.execPath})`,
  );
  process.exit(2);
}
module.enableCompileCache();
const { main } = await import("./command-line.ts");
await main(process.argv.slice(2));
