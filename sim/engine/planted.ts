/**
 * Planted bugs: each is a change of the engine's sources, and the seed at which the simulation finds it. A bug that is
 * found nowhere means that the simulation has a hole.
 */
import type { Edit } from "./load.ts";

export interface PlantedBug {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** A seed at which it is found. */
  readonly seed: number;
}

const bug = (seed: number, name: string, ...edits: readonly Edit[]): PlantedBug => ({ name, edits, seed });
const edit = (file: string, says: string | RegExp, insteadSays = ""): Edit => ({ file, says, insteadSays });

export const PLANTED_BUGS: readonly PlantedBug[] = [
  bug(
    1,
    "a manifest is renamed before it is durable",
    edit("epoch/", "await file.write(content);\n        await file.sync();", "await file.write(content);"),
  ),
  bug(
    1,
    "a manifest counts as decided before its name is durable",
    edit(
      "epoch/",
      /(this\.path\(name\)\)\);\n {4}this\.#namesChanged = true;\n) {4}await this\.syncNames\(\);/g,
      "this.path(name)));",
    ),
  ),
  bug(
    2,
    "the logs are not durable when an epoch is decided",
    edit(
      "epoch/",
      "encodeManifest(manifest), this.#syncLogs(),",
      "encodeManifest(manifest), Promise.resolve(),",
    ),
  ),
  bug(
    2,
    "the name of a new log is not durable when an epoch is decided",
    edit("epoch/", "if (sizeBytes === 0) this.#namesChanged = true;"),
  ),
  bug(
    1,
    "a new run has the generation of the one before",
    edit("epoch/", "Math.max(highest, generation), 0) + 1", "Math.max(highest, generation), 0)"),
  ),
  bug(
    1,
    "sinks commit before the decision",
    edit(
      "runtime/",
      "const manifest = await epochs.decide(",
      "for (const sink of sinks) sink.commit(epoch, (error) => this.fail(error));\n    const manifest = await epochs.decide(",
    ),
  ),
  bug(
    13,
    "an epoch's part of the logs ends where they end when it is decided",
    edit("runtime/", "{ ended: last, sealed }", "{ ended: last }"),
  ),
  bug(
    7,
    "an epoch begins while the one before is written down",
    edit("runtime/", /if \(this\.phase !== "running"\) return this\.holds[^;]*;/g),
  ),
  bug(
    9,
    "held output leaves before the decision",
    edit(
      "runtime/",
      "const manifest = await epochs.decide(",
      "if (this.holds) for (const sink of sinks) await sink.release();\n    const manifest = await epochs.decide(",
    ),
  ),
  bug(
    26,
    "held output of the next epoch leaves with that of the last",
    edit("runtime/", "of this.sealed.splice(0)", "of [...this.sealed.splice(0), ...this.holding.splice(0)]"),
  ),
  bug(
    14,
    "shapes are saved before the rows are written down",
    edit(
      "runtime/",
      "saved: this.world.save() }",
      "saved: this.world.save(), shapes: keeping.shapes.toJSON() }",
    ),
    edit("runtime/", "shapes: keeping.shapes.toJSON(),\n", "shapes: this.past.shapes,\n"),
  ),
  bug(
    12,
    "the log before a rewrite is dropped when the rewrite begins",
    edit(
      "runtime/",
      "this.rewriteFrom = epochs.roll();",
      "this.rewriteFrom = epochs.roll();\n    this.rewritten = this.rewriteFrom;",
    ),
  ),
  bug(143, "the log is dropped before the backend is durable", edit("runtime/", "await store.flush();")),
  bug(
    12,
    "a rewrite passes over rows as they were loaded",
    edit("state/", "mark !== undefined && mark <= 0", "mark !== undefined && mark < 0"),
  ),
  bug(
    7,
    "the log is dropped before the backend has it",
    edit("runtime/", "!isBefore(manifest.logs[log].to, from)", "from !== undefined && log >= 0"),
  ),
  bug(
    10,
    "the backend's position comes with the first of several writes",
    edit(
      "runtime/",
      "await store.apply(changes, null);",
      "await store.apply(changes, JSON.stringify(manifest.logs.map(({ to }) => to)));",
    ),
  ),
  bug(
    34,
    "a row that is changed while its epoch is written down is written with its new value",
    edit("state/", 'if (row.mark > 0) this.write("past", bucket, token, row);'),
  ),
  bug(
    342,
    "a row of numbers is written with its new value",
    edit("state/", /if \(marks\[at\] !== CLEAN\) keeper\.write\([^;]*;/g),
    edit("state/", /if \(slots\[at\] !== CLEAN\) keeper\.write\([^;]*;/g),
  ),
  bug(
    48,
    "a dropped window is removed in the epoch before",
    edit(
      "state/",
      'const into = this.writer("now", first);',
      'const into = this.writer(this.past === null ? "now" : "past", first);',
    ),
  ),
  bug(
    2,
    "a removed row is not written down as removed",
    edit("state/", 'this.changes.remove("now", this.rows.groupAt(address), address);'),
  ),
  bug(
    31,
    "a removed row is read from the backend again",
    edit("state/", "this.tombstones.set(this.rows.address(bucket, token), this.mark);"),
  ),
  bug(
    7,
    "rows are given up before the backend has them",
    edit("state/", "if (-mark > applied && this.spilled.get(bucket)?.has(token) !== true) return false;"),
  ),
  bug(
    7,
    "a spilled row is read as it was before",
    edit("state/", "this.spilled.get(bucket)?.has(token) ? SHADOW + address : address", "address"),
  ),
  bug(
    1,
    "a source goes on one record too late",
    edit("runtime/", "isAhead ? next : polled", "isAhead ? next : polled + 1"),
  ),
  bug(
    7,
    "a source goes on one record too early",
    edit("runtime/", "isAhead ? next : polled", "isAhead ? next : Math.max(0, polled - 1)"),
  ),
  bug(
    5,
    "records that wait to be merged are taken for read",
    edit("runtime/", "isAhead ? next : polled", "polled"),
  ),
  bug(
    48,
    "bad inputs go to the dead letters again after a restart",
    edit("runtime/", "if (offset <= polling.dealtTo) return true;"),
  ),
  bug(
    14,
    "a partition's greatest timestamp is not restored",
    edit("runtime/", "maxTimestamp: numberOf(saved?.maxTimestamp)", "maxTimestamp: Number.NEGATIVE_INFINITY"),
  ),
  bug(
    2,
    "the watermark between operators is not restored",
    edit("runtime/", "      out.start = watermark;\n      out.last = watermark;"),
  ),
  bug(7, "a window fires again after a restart", edit("operator/aligned-window.ts", "watermark = saved[0];")),
  bug(
    2,
    "sessions are not woken after a restart",
    edit("runtime/", /(?<!=> )add\(token, row(?: as Cell)?, bucket\.owner\);/g, ";"),
  ),
  bug(
    1,
    "counters begin at zero after a restart",
    edit("runtime/", "if (from.counts.length === stage.counts.length) stage.counts.set(from.counts);"),
  ),
  bug(
    1,
    "what waited for a sink is not committed at a restart",
    edit("runtime/", "await this.guard(() => epochs.commit(epoch, handle));"),
  ),
  bug(
    49,
    "a sink commits an epoch behind one that it failed to commit",
    edit("runtime/", "this.committing.catch(failed);", "this.committing = this.committing.catch(failed);"),
  ),
  bug(
    12,
    "a manifest names only the newest epoch that waits for a sink",
    edit("runtime/", "{ handles: sink.handles }", "{ handles: sink.handles.slice(-1) }"),
  ),
  bug(
    1,
    "at-least-once decides before the output is out",
    edit("runtime/", "if (epochs === undefined) return this.flush();", "if (epochs === undefined) return;"),
  ),
  bug(
    7,
    "a commit that was cut short is appended again",
    edit(
      "connector/file/",
      "let done = size > at ? await equalBytes(files, path, at, size - at, from) : 0;\n    const to = await files.openAppend(path, at + done);",
      "let done = 0;\n    const to = await files.openAppend(path, size);",
    ),
  ),
  bug(
    30,
    "a staged file is committed before it is durable",
    edit("connector/file/", "await writer.sync();", "await writer.flush();"),
  ),
  bug(
    64,
    "the list of parts goes on behind what no epoch decided",
    edit("connector/file/", "files.openAppend(this.#listPath, at)", "files.openAppend(this.#listPath, size)"),
  ),
  bug(
    218,
    "a part is published with what no epoch decided",
    edit(
      "connector/file/",
      "for (const part of open) await cut(files, openPath(root, part.file), part.bytes);",
    ),
  ),
  bug(
    2,
    "elements of lists get the places of older ones after a restart",
    edit("operator/", "sequence.next = saved[2];"),
  ),
];
