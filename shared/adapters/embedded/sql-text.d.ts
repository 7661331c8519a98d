/** The text of an SQL file, put into the bundle. */
declare module '*.sql?raw' {
  const text: string;
  export default text;
}
