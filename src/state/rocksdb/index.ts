/** The subpath `millrace/rocksdb`: it needs the package rocksdb-native. */
export { type RocksdbOptions, rocksdb } from "./backend.ts";
