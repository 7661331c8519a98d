/** Only the base class for a custom store: the library's index would put every other store into the bundles. */
declare module 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js' {
  export default class RateLimiterStoreAbstract {
    constructor(options: { points: number; duration: number; keyPrefix: string });
    points: number;
    consume(
      key: string,
      points: number,
      options: object,
    ): Promise<{ readonly consumedPoints: number; readonly msBeforeNext: number; readonly remainingPoints: number }>;
  }
}
