/** The part of the library that a store of our own builds on; its index would bring every other store into the bundles. */
declare module 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js' {
  export default class RateLimiterStoreAbstract {
    constructor(options: { points: number; duration: number; keyPrefix: string });
    points: number;
    consume(
      key: string,
    ): Promise<{ readonly consumedPoints: number; readonly msBeforeNext: number; readonly remainingPoints: number }>;
  }
}
