/** The part of the library that is needed; languages, character sets and encodings would only make the bundles larger. */
declare module 'negotiator/lib/mediaType.js' {
  /** Of what is provided, what `accept` allows, the preferred first. */
  export default function preferredMediaTypes(accept: string, provided: readonly string[]): string[];
}
