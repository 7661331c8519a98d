/** The text of a CQL file, put into the bundle. */
declare module '*.cql?raw' {
  const text: string;
  export default text;
}
