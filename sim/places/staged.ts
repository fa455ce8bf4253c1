/** A database: epochs are staged there, and a commit is atomic. */
import type { OpenSink, Sink } from "../../src/connector/contract.ts";
import type { Json } from "../../src/core/json.ts";
import type { Engine } from "../engine/entry.ts";
import type { Life } from "../world/life.ts";
import { oneLane, type OutRow, type Place, type Visible } from "./place.ts";

export class StagedPlace implements Place {
  readonly transactional = true;
  readonly wholeEpochs = true;
  #rows: string[] = [];
  #staged = new Map<string, readonly string[]>();
  #lastEpoch: number | null = null;

  copy(): StagedPlace {
    const copy = new StagedPlace();
    copy.#rows = [...this.#rows];
    copy.#staged = new Map(this.#staged);
    copy.#lastEpoch = this.#lastEpoch;
    return copy;
  }

  visible(): Visible {
    return oneLane(this.#rows);
  }

  sink(engine: Engine, life: Life): Sink<OutRow> {
    const open = async (
      kept: ReadonlySet<string>,
      run: string,
      exact: boolean,
    ): Promise<OpenSink<OutRow>> => {
      await life.operation({
        name: "prepare place",
        isChange: true,
        whole: () => {
          for (const key of this.#staged.keys()) if (!kept.has(key)) this.#staged.delete(key);
        },
      });
      let gathered: string[] = [];
      const send = (): Promise<void> => {
        const rows = gathered;
        gathered = [];
        return life.operation({
          name: `write ${rows.length} rows`,
          isChange: true,
          whole: () => void this.#rows.push(...rows),
        });
      };
      const sink: OpenSink<OutRow> = {
        write(values, _timestamps, from, to) {
          for (const { row } of values.slice(from, to)) gathered.push(row);
          if (!exact) return send();
          return life.dice.chance(0.1)
            ? new Promise((resolve) => life.later("busy sink", life.dice.next(), resolve))
            : undefined;
        },
        flush: async () => {},
        close: async () => {},
      };
      if (!exact) return sink;
      const epochs = {
        lastEpoch: this.#lastEpoch,
        prepare: (epoch: number): Promise<Json> => {
          const rows = gathered;
          const key = `${run}/${epoch}`;
          gathered = [];
          return life.operation({
            name: `prepare ${epoch}`,
            isChange: true,
            whole: () => {
              this.#staged.set(key, rows);
              return key;
            },
          });
        },
        commit: (epoch: number, handle: Json): Promise<void> =>
          life.operation({
            name: `commit ${epoch}`,
            isChange: true,
            whole: () => {
              if (this.#lastEpoch !== null && this.#lastEpoch >= epoch) return;
              const rows = this.#staged.get(handle as string);
              if (rows === undefined) {
                const what = `the staged rows ${handle} are gone`;
                throw new engine.MillraceError("SINK_STATE_MISSING", what);
              }
              this.#rows.push(...rows);
              this.#staged.delete(handle as string);
              this.#lastEpoch = epoch;
            },
          }),
      };
      return { ...sink, epochs };
    };
    return {
      description: "simulated database",
      transactional: true,
      lastEpoch: async () => this.#lastEpoch,
      open: ({ guarantee, generation, recovered }) => {
        const kept = new Set((recovered?.handles ?? []).map(({ handle }) => handle as string));
        return open(kept, String(generation), guarantee === "exactly-once");
      },
    };
  }
}
