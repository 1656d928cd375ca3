/** LoRA adapters: small files that change how a model speaks, laid over its weights request by request. */

/** How an adapter came about here; figures of its training, never a word of the data. */
export type AdapterTraining = {
  examples: number;
  validationExamples: number;
  epochs: number;
  steps: number;
  /** Nats a token of the answers, on the validation examples: the model alone, and with the adapter. */
  validationLossBefore: number;
  validationLossAfter: number;
  trainedSeconds: number;
};

export type Adapter = {
  /** Lower case, digits, dots, dashes and underscores; in requests behind `edge:`. */
  name: string;
  /** Id of the model it belongs to. */
  model: string;
  /** Identity of that model's published weights, as in `InstalledModel.source`. */
  base: string;
  path: string;
  sizeBytes: number;
  sha256: string;
  architecture: string;
  rank: number;
  createdAt: string;
  /** `trained` on this device, or `added` as a file. */
  origin: 'trained' | 'added';
  training?: AdapterTraining;
};

/** How requests name an adapter. */
export const adapterPrefix = 'edge:';

export function adapterModelId(name: string): string {
  return `${adapterPrefix}${name}`;
}

/** The adapters that the running model can be used with. */
export interface DeviceAdapters {
  usable(): Adapter[];
  /**
   * The adapter of that name, its file held against the model. Throws `not_found`, `adapter_mismatch` for one of another
   * model, `adapter_invalid`.
   */
  require(name: string): Promise<Adapter>;
}
