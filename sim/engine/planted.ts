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
    edit(
      "epoch/directory.ts",
      "await file.write(content);\n        await file.sync();",
      "await file.write(content);",
    ),
  ),
  bug(
    1,
    "a manifest counts as decided before its name is durable",
    edit(
      "epoch/directory.ts",
      /(this\.path\(name\)\)\);\n {4}this\.#namesChanged = true;\n) {4}await this\.syncNames\(\);/g,
      "this.path(name)));",
    ),
  ),
  bug(
    1,
    "the logs are not durable when an epoch is decided",
    edit(
      "epoch/epochs.ts",
      "encodeManifest(manifest), this.#syncLogs(),",
      "encodeManifest(manifest), Promise.resolve(),",
    ),
  ),
  bug(
    1,
    "the name of a new log is not durable when an epoch is decided",
    edit("epoch/directory.ts", "if (sizeBytes === 0) this.#namesChanged = true;"),
  ),
  bug(
    1,
    "a new run has the generation of the one before",
    edit("epoch/decide.ts", "Math.max(highest, generation), 0) + 1", "Math.max(highest, generation), 0)"),
  ),
  bug(
    1,
    "sinks commit before the decision",
    edit(
      "runtime/commits.ts",
      "const manifest = await epochs.decide(",
      "for (const sink of sinks) sink.commit(epoch, (error) => this.fail(error));\n    const manifest = await epochs.decide(",
    ),
  ),
  bug(
    1,
    "an epoch's part of the logs ends where they end when it is decided",
    edit("runtime/commits.ts", "{ ended: last, sealed }", "{ ended: last }"),
  ),
  bug(
    1,
    "an epoch begins while the one before is written down",
    edit("runtime/commits.ts", /if \(this\.phase !== "running"\) return this\.holds[^;]*;/g),
  ),
  bug(
    1,
    "held output leaves before the decision",
    edit(
      "runtime/commits.ts",
      "const manifest = await epochs.decide(",
      "if (this.holds) for (const sink of sinks) await sink.release();\n    const manifest = await epochs.decide(",
    ),
  ),
  bug(
    1,
    "held output of the next epoch leaves with that of the last",
    edit(
      "runtime/sink-edge.ts",
      "of this.sealed.splice(0)",
      "of [...this.sealed.splice(0), ...this.holding.splice(0)]",
    ),
  ),
  bug(
    1,
    "shapes are saved before the rows are written down",
    edit(
      "runtime/commits.ts",
      "saved: this.world.save() }",
      "saved: this.world.save(), shapes: keeping.shapes.toJSON() }",
    ),
    edit("runtime/commits.ts", "shapes: keeping.shapes.toJSON(),\n", "shapes: this.past.shapes,\n"),
  ),
  bug(
    1,
    "the log before a rewrite is dropped when the rewrite begins",
    edit(
      "runtime/commits.ts",
      "this.rewriteFrom = epochs.roll();",
      "this.rewriteFrom = epochs.roll();\n    this.rewritten = this.rewriteFrom;",
    ),
  ),
  bug(
    1,
    "a rewrite passes over rows as they were loaded",
    edit("state/journal.ts", "mark !== undefined && mark <= 0", "mark !== undefined && mark < 0"),
  ),
  bug(
    1,
    "the log is dropped before the backend is durable",
    edit("runtime/commits.ts", "await store.flush();"),
  ),
  bug(
    1,
    "the log is dropped before the backend has it",
    edit("runtime/commits.ts", "!isBefore(manifest.logs[log].to, from)", "from !== undefined && log >= 0"),
  ),
  bug(
    1,
    "the backend's position comes with the first of several writes",
    edit(
      "runtime/apply-log.ts",
      "await store.apply(changes, null);",
      "await store.apply(changes, JSON.stringify(manifest.logs.map(({ to }) => to)));",
    ),
  ),
  bug(
    1,
    "a row that is changed while its epoch is written down is written with its new value",
    edit("state/journal.ts", 'if (row.mark > 0) this.write("past", bucket, token, row);'),
  ),
  bug(
    1,
    "a row of numbers is written with its new value",
    edit("state/number-rows.ts", /if \(marks\[at\] !== CLEAN\) keeper\.write\([^;]*;/g),
    edit("state/token-rows.ts", /if \(slots\[at\] !== CLEAN\) keeper\.write\([^;]*;/g),
  ),
  bug(
    1,
    "a dropped window is removed in the epoch before",
    edit(
      "state/change-log.ts",
      'const into = this.writer("now", first);',
      'const into = this.writer(this.past === null ? "now" : "past", first);',
    ),
  ),
  bug(
    1,
    "a removed row is not written down as removed",
    edit("state/journal.ts", 'this.changes.remove("now", this.rows.groupAt(address), address);'),
  ),
  bug(
    1,
    "a removed row is read from the backend again",
    edit("state/cold-rows.ts", "this.tombstones.set(this.rows.address(bucket, token), this.mark);"),
  ),
  bug(
    1,
    "rows are given up before the backend has them",
    edit(
      "state/cold-rows.ts",
      "if (-mark > applied && this.spilled.get(bucket)?.has(token) !== true) return false;",
    ),
  ),
  bug(
    1,
    "a spilled row is read as it was before",
    edit(
      "state/cold-rows.ts",
      "this.spilled.get(bucket)?.has(token) ? SHADOW + address : address",
      "address",
    ),
  ),
  bug(
    1,
    "a source goes on one record too late",
    edit("runtime/partition-state.ts", "isAhead ? next : polled", "isAhead ? next : polled + 1"),
  ),
  bug(
    1,
    "a source goes on one record too early",
    edit("runtime/partition-state.ts", "isAhead ? next : polled", "isAhead ? next : Math.max(0, polled - 1)"),
  ),
  bug(
    1,
    "records that wait to be merged are taken for read",
    edit("runtime/partition-state.ts", "isAhead ? next : polled", "polled"),
  ),
  bug(
    1,
    "bad inputs go to the dead letters again after a restart",
    edit("runtime/source-intake.ts", "if (offset <= polling.dealtTo) return true;"),
  ),
  bug(
    1,
    "a partition's greatest timestamp is not restored",
    edit(
      "runtime/partition-state.ts",
      "maxTimestamp: numberOf(saved?.maxTimestamp)",
      "maxTimestamp: Number.NEGATIVE_INFINITY",
    ),
  ),
  bug(
    1,
    "the watermark between operators is not restored",
    edit("runtime/saved-job.ts", "      out.start = watermark;\n      out.last = watermark;"),
  ),
  bug(1, "a window fires again after a restart", edit("operator/aligned-window.ts", "watermark = saved[0];")),
  bug(
    1,
    "sessions are not woken after a restart",
    edit("runtime/state-keeping.ts", /(?<!=> )add\(token, row(?: as Cell)?, bucket\.owner\);/g, ";"),
  ),
  bug(
    1,
    "counters begin at zero after a restart",
    edit(
      "runtime/saved-job.ts",
      "if (from.counts.length === stage.counts.length) stage.counts.set(from.counts);",
    ),
  ),
  bug(
    1,
    "what waited for a sink is not committed at a restart",
    edit("runtime/sink-edge.ts", "await this.guard(() => epochs.commit(epoch, handle));"),
  ),
  bug(
    1,
    "a sink commits an epoch behind one that it failed to commit",
    edit(
      "runtime/sink-edge.ts",
      "this.committing.catch(failed);",
      "this.committing = this.committing.catch(failed);",
    ),
  ),
  bug(
    1,
    "a manifest names only the newest epoch that waits for a sink",
    edit("runtime/commits.ts", "{ handles: sink.handles }", "{ handles: sink.handles.slice(-1) }"),
  ),
  bug(
    1,
    "at-least-once decides before the output is out",
    edit(
      "runtime/sink-edge.ts",
      "if (epochs === undefined) return this.flush();",
      "if (epochs === undefined) return;",
    ),
  ),
  bug(
    1,
    "a file that is written at once has no durable name",
    edit(
      "connector/file/ndjson-sink.ts",
      'if (context.guarantee === "at-least-once") await place.syncNames();',
    ),
  ),
  bug(
    1,
    "a commit that was cut short is appended again",
    edit(
      "connector/file/append-once.ts",
      "let done = size > at ? await equalBytes(files, path, at, size - at, from) : 0;\n    const to = await files.openAppend(path, at + done);",
      "let done = 0;\n    const to = await files.openAppend(path, size);",
    ),
  ),
  bug(
    1,
    "a staged file is committed before it is durable",
    edit("connector/file/ndjson-staged.ts", "await writer.sync();", "await writer.flush();"),
  ),
  bug(
    1,
    "a part is published with what no epoch decided",
    edit(
      "connector/file/recover-parts.ts",
      "for (const part of open) await cut(files, openPath(root, part.file), part.bytes);",
    ),
  ),
  bug(
    1,
    "the list of parts goes on behind what no epoch decided",
    edit(
      "connector/file/published-parts.ts",
      "files.openAppend(this.#listPath, at)",
      "files.openAppend(this.#listPath, size)",
    ),
  ),
  bug(
    1,
    "a key's rows that are dropped are written down behind their removal",
    edit("state/journal.ts", "if (bucket.owner !== null) this.writePending(bucket);"),
  ),
  bug(
    1,
    "a key's rows that were dropped are read from the backend again",
    edit("state/cold-rows.ts", "bucket.dropped > this.appliedEpoch || ", ""),
  ),
  bug(
    1,
    "elements of lists get the places of older ones after a restart",
    edit("operator/process.ts", "sequence.next = saved[2];"),
  ),
  bug(
    1,
    "a partition that has ended holds the watermark back after a restart",
    edit("runtime/source-intake.ts", "isIdle: state.idle || state.ended,", "isIdle: state.idle,"),
  ),
];
