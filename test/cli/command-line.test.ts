/** The command line before any pipeline runs: commands, options, help, version, and which Node will do. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, main, millrace, program, Running, root } from "./millrace.ts";

const cwd = folder();

test("--help names the commands and their options", async () => {
  const { code, stdout } = await millrace(cwd, "--help");
  assert.equal(code, 0);
  for (const word of [
    "run FILE",
    "explain FILE",
    "--batch",
    "--codegen on|off",
    "--json",
    "--mermaid",
    "--stack",
  ]) {
    assert.ok(stdout.includes(word), `${word} is missing`);
  }
});

test("--help behind a command gives the help and runs nothing", async () => {
  const file = program(cwd, "loud.ts", 'console.log("ran");');
  const { code, stdout } = await millrace(cwd, "run", file, "--help");
  assert.equal(code, 0);
  assert.match(stdout, /^millrace: /);
  assert.doesNotMatch(stdout, /^ran$/m);
});

test("--version prints the version of package.json", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { code, stdout } = await millrace(cwd, "--version");
  assert.deepEqual([code, stdout], [0, `${version}\n`]);
});

const mistakes: [title: string, args: string[], says: RegExp][] = [
  ["an unknown command", ["explian", "a.ts"], /no command explian; did you mean explain\?/],
  ["a command unlike any known one", ["destroy", "a.ts"], /no command destroy \[/],
  ["a file without a command", ["a.ts"], /did you mean millrace run a\.ts\?/],
  ["an unknown option", ["run", "a.ts", "--bacth"], /no option --bacth; did you mean --batch\?/],
  ["an option of another command", ["run", "a.ts", "--mermaid"], /millrace run has no option --mermaid/],
  [
    "an option value that is none",
    ["run", "a.ts", "--codegen", "maybe"],
    /--codegen takes on or off, not maybe/,
  ],
  ["an option without its value", ["run", "a.ts", "--codegen"], /--codegen/],
  ["a value for an option that has none", ["run", "a.ts", "--json=3"], /--json/],
  ["a command without a file", ["run"], /millrace run takes a file/],
  ["two files", ["run", "a.ts", "b.ts"], /takes one file, not a\.ts and b\.ts/],
  ["a file that is not there", ["run", "nowhere.ts"], /There is no file nowhere\.ts/],
  ["a folder in place of a file", ["explain", "."], /\. is a folder/],
];

for (const [title, args, says] of mistakes) {
  test(`${title} is a usage error with exit code 2`, async () => {
    const { code, stdout, stderr } = await millrace(cwd, ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /^error: .*\[CLI_USAGE\]\n {2}help: millrace --help shows the commands\.\n$/);
    assert.equal(stdout, "");
  });
}

test("a Node that is too old is told so in one sentence, before anything else is loaded", async () => {
  const older =
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.9.1" } });';
  const preload = ["--import", `data:text/javascript,${encodeURIComponent(older)}`];
  const args = [...preload, main, "--help"];
  const { code, stdout, stderr } = await new Running(process.execPath, args, cwd).done;
  assert.match(stderr, /^error: millrace needs Node 24 or later, and this is Node 22\.9\.1 \(.*\)\n$/);
  assert.deepEqual([code, stdout], [2, ""]);
});

test("npm run --silent millrace runs the command line from the sources", async () => {
  const file = program(
    cwd,
    "small.ts",
    'export const app = m.pipeline("small");\napp.source(m.fromIterable([1])).to(m.toConsole());',
  );
  const args = ["run", "--silent", "millrace", "--", "explain", join(cwd, file)];
  const { code, stdout, stderr } = await new Running("npm", args, root).done;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^pipeline small\n/);
  assert.equal(stderr, "");
});
