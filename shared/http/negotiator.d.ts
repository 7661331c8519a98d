/** Only the library's part for media types: languages, character sets and encodings would make the bundles larger. */
declare module 'negotiator/lib/mediaType.js' {
  /** Returns the types of `provided` that `accept` allows, the preferred one first. */
  export default function preferredMediaTypes(accept: string, provided: readonly string[]): string[];
}
