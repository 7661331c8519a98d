/** The text of an SQL file; the bundle contains it. */
declare module '*.sql?raw' {
  const text: string;
  export default text;
}
