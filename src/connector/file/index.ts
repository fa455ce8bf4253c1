export { encodeLine, encodeRecord } from "./encode-record.ts";
export { lateLog } from "./late-log.ts";
export { ndjsonFile } from "./ndjson-sink.ts";
export { type NdjsonOptions, ndjson } from "./ndjson-source.ts";
export type { PartitionBy, PartitionValue } from "./partition-folder.ts";
export { type FilesOptions, files } from "./parts-sink.ts";
