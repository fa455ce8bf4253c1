/** The corrections of one reprocessing: each is made when the rows of its sink begin to come, and all are committed at the end. */
import type { Corrected, Correction, OpenSink, Sink, SinkContext } from "../connector/contract.ts";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { SinkNode } from "../plan/node.ts";
import type { Part } from "./plan-rewriting.ts";
import type { TimeRange } from "./time-range.ts";

/** What became of a sink. */
export interface CorrectedSink extends Corrected {
  readonly name: string;
}

export class Corrections {
  readonly #range: TimeRange;
  readonly #opened = new Map<SinkNode, Promise<Correction<unknown>>>();

  constructor(range: TimeRange) {
    this.#range = range;
  }

  /** Takes the rows of a part, in place of the node's sink. */
  sinkFor(node: SinkNode, part: Part): Sink<unknown> {
    const isKept = part === "across";
    return {
      description: node.sink.description,
      form: "upsert",
      open: async (context): Promise<OpenSink<unknown>> => {
        const correction = await this.#open(node, context);
        return {
          write: (values, timestamps, from, to) =>
            isKept
              ? correction.keep(values, timestamps, from, to)
              : correction.write(values, timestamps, from, to),
          flush: async () => {},
          // It outlives the run.
          close: async () => {},
        };
      },
    };
  }

  #open(node: SinkNode, { ports, changelog = false }: SinkContext): Promise<Correction<unknown>> {
    let opened = this.#opened.get(node);
    if (opened === undefined) {
      opened = (node.sink.correct as NonNullable<Sink<unknown>["correct"]>)({
        ports,
        changelog,
        ...this.#range,
      });
      this.#opened.set(node, opened);
    }
    return opened;
  }

  /** One sink after the other. @throws SINK_FAILED: that one is as it was, those before it are corrected */
  async commit(): Promise<CorrectedSink[]> {
    const corrected: CorrectedSink[] = [];
    for (const [{ name }, opened] of this.#opened) {
      try {
        corrected.push({ name, ...(await (await opened).commit()) });
      } catch (error) {
        if (error instanceof MillraceError) throw error;
        const what = `${name} can't be corrected: ${reasonOf(error)}`;
        throw new MillraceError("SINK_FAILED", what, { operator: name }, error);
      }
    }
    return corrected;
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.values()) {
      const correction = await opened.catch(() => null); // told already
      await correction?.close();
    }
  }
}
