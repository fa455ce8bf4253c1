/** The three most-played songs of each hour: counts per song, then the top three of all songs' counts. */
import assert from "node:assert/strict";
import { count, forEach, fromIterable, pipeline, topN, tumbling } from "millrace";

const plays = [
  ["blue", 0],
  ["red", 1],
  ["blue", 2],
  ["green", 3],
  ["blue", 4],
  ["grey", 5],
  ["green", 6],
  ["red", 61],
].map(([song, minute]) => ({ song: String(song), at: Number(minute) * 60_000 }));

const charts: string[] = [];
const app = pipeline("charts");
app
  .source(fromIterable(plays), { timestamp: (p) => p.at })
  .keyBy((p) => p.song)
  .window(tumbling("1h"))
  .aggregate({ plays: count() })
  // A result has the timestamp of its window's end - 1: it falls in the same hour again.
  .keyBy(() => "all")
  .window(tumbling("1h"))
  .aggregate({ top: topN(3, (song) => song.plays) })
  .map((hour) => hour.top.map((song) => `${song.key} ${song.plays}`).join(", "))
  .to(forEach((chart) => void charts.push(chart)));
await app.run();

assert.deepEqual(charts, ["blue 3, green 2, red 1", "red 1"]);
