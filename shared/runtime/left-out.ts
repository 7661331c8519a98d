/**
 * Stands in bundles for parts of packages that nothing here uses: looking for the keys of S3 on this machine and in its cloud, files
 * for bulk loading into Milvus, archives with the address of a hosted Cassandra, a thread of its own for log lines. The first two
 * weigh as much as the drivers.
 */
const leftOut = (): never => {
  throw new Error('This part of the package is not in the bundle.');
};

export const defaultProvider = () => leftOut;
export const ParquetSchema = leftOut;
export const ParquetWriter = leftOut;
