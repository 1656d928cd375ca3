import type { Persona } from '../../../../src/core/catalogue.ts';
import type { SamplingOptions } from '../../../../src/core/chat.ts';

/** A language model that a page can run: one GGUF file. Plain data: the server lists these, the page keeps them. */
export type PageModel = {
  id: string;
  displayName: string;
  licence: string;
  sizeBytes: number;
  /** Hexadecimal, of the whole file. */
  sha256: string;
  /** What the model was trained for. */
  contextTokens: number;
  languages: string[];
  persona?: Persona;
  sampling: SamplingOptions;
};
