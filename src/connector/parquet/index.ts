/** The subpath `millrace/parquet`: it needs the packages hyparquet and hyparquet-compressors. */
export { type ParquetOptions, parquet } from "./source.ts";
