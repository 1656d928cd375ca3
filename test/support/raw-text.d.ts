/** Files read as text by the test runner, in Node and in a browser alike. */
declare module '*?raw' {
  const text: string;
  export default text;
}
