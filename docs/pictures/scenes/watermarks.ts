/** How a source tells how far time is. The windows are tumbling ones of ten seconds. */
import { tumbling } from "millrace";
import { type Arrival, type Scene, ticks } from "../scene.ts";
import { arrivalsUnderDrift } from "../drift.ts";
import { listed, over } from "./kinds.ts";

const common = {
  axis: { from: -2, to: 32, ticks: ticks(0, 30, 5) },
  windows: over(tumbling("10s")),
  label: listed,
} as const;

/** When each record happened, and when it came: seconds. */
const sent = [
  [1, 2],
  [5, 6],
  [8, 13],
  [12, 14],
  [4, 17],
  [18, 19],
  [21, 23],
] as const;

/** The clock goes on to each record's arrival. */
const byTheClock: readonly Arrival[] = [
  ...sent.flatMap(([at, comes], i): Arrival[] => [{ pass: comes - (sent[i - 1]?.[1] ?? 0) }, at]),
  { pass: 7 },
];

const drifting = { ...common, partitions: 2, axis: { from: -2, to: 62, ticks: ticks(0, 60, 10) } } as const;

export const watermarks: readonly Scene[] = [
  {
    ...common,
    name: "event-time",
    title: "By event time: each record is in the window in which it happened",
    description:
      "Records by the time at which they happened. Two are late by several seconds; they are in the first window all the same.",
    watermark: { maxOutOfOrderness: "10s" },
    arrivals: [...byTheClock, "end"],
  },
  {
    ...common,
    name: "processing-time",
    title: "By processing time: each record is in the window in which it came",
    description: "The same records by the time at which they came. The late ones are in the second window.",
    axis: { ...common.axis, name: "processing time (s)" },
    watermark: "processingTime",
    arrivals: byTheClock,
  },
  {
    ...common,
    name: "bounded",
    title: 'watermark: { maxOutOfOrderness: "3s" }',
    description:
      "The watermark stays three seconds behind the greatest timestamp. A record within the three seconds counts; one behind the watermark whose window has fired is late.",
    watermark: { maxOutOfOrderness: "3s" },
    arrivals: [2, 7, 4, 12, 9, 14, 8, 23, 17, "end"],
  },
  {
    ...common,
    name: "punctuated",
    title: "watermark: { punctuated: (record) => record.complete }",
    description: "The watermark moves only where a record says that none before some time will follow.",
    watermark: {
      punctuated: ({ says }) => (says?.startsWith("complete") ? Number(says.slice(12)) * 1000 : null),
    },
    arrivals: [
      3,
      8,
      { at: 12, says: "complete to 5" },
      6,
      { at: 15, says: "complete to 12" },
      14,
      { at: 24, says: "complete to 20" },
      "end",
    ],
  },
  {
    ...common,
    name: "partitions",
    title: 'Two partitions, watermark: { maxOutOfOrderness: 0, idleAfter: "30s" }',
    description:
      "The source is as far as its slowest partition. Partition 1 is silent for thirty seconds and turns idle: it holds nobody back, until its next record.",
    partitions: 2,
    watermark: { maxOutOfOrderness: 0, idleAfter: "30s" },
    arrivals: [
      { at: 3 },
      { at: 5, partition: 1 },
      { at: 12 },
      { pass: 20 },
      { at: 16 },
      { pass: 10, says: "partition 1 is idle" },
      { at: 21 },
      { at: 22, partition: 1 },
      { at: 28 },
      { at: 25, partition: 1 },
      "end",
    ],
  },
  {
    ...common,
    name: "skew",
    title: 'watermark: { maxOutOfOrderness: "3s", maxFutureSkew: "1h" }',
    description:
      "A record that claims to be of another year is refused. The watermark stays where it is, and the records after it count.",
    watermark: { maxOutOfOrderness: "3s", maxFutureSkew: "1h" },
    arrivals: [2, 7, { at: 2_000_000_000, says: "year 2033" }, 4, 12, 9, 14, "end"],
  },
  {
    ...drifting,
    name: "no-drift",
    title: "Two partitions, one four times as fast",
    description:
      "Without maxDrift the fast partition runs ahead. Its records wait in windows that can't fire before the slow one is there.",
    watermark: { maxOutOfOrderness: 0 },
    arrivals: () => arrivalsUnderDrift({ maxOutOfOrderness: 0 }),
  },
  {
    ...drifting,
    name: "drift",
    title: 'The same with maxDrift: "10s"',
    description:
      "With maxDrift the fast partition is not read while it is more than ten seconds ahead of the slow one.",
    watermark: { maxOutOfOrderness: 0 },
    arrivals: () => arrivalsUnderDrift({ maxOutOfOrderness: 0, maxDrift: "10s" }),
  },
];
