/**
 * Replaces unused parts of packages in the bundles: the search for S3 credentials on the machine and in its cloud, the files for bulk
 * loading into Milvus, the archives with the address of a hosted Cassandra, and the separate thread for log lines. The first two parts
 * are as large as the drivers.
 */
const leftOut = (): never => {
  throw new Error('FreeFace does not use this part of the package, so it is not in the bundle.');
};

export const defaultProvider = () => leftOut;
export const ParquetSchema = leftOut;
export const ParquetWriter = leftOut;
