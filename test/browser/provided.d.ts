import 'vitest';

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- it is merged into vitest's own
  interface ProvidedContext {
    /** Address of the server of `serve-weights.ts`. */
    weightsServer: string;
  }
}
