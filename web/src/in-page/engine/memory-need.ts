/** Whether a model fits into the memory of a page. Pure. */
import type { PageModel } from './page-model.ts';

/** WebAssembly's memory in the engine's build. */
const addressableBytes = 4 * 1024 ** 3;
/** One file for one model, at most; larger ones the engine cannot seek in. */
export const largestFileBytes = 2 * 1024 ** 3;
/** Code, buffers of a step, and what the browser keeps beside it. */
const fixedBytes = 160 * 1024 ** 2;
/** Context of a page's model, tokens: its cache is the part of memory that can be chosen. */
export const pageContextTokens = 4096;

export type PageMemory = {
  /** `navigator.deviceMemory`, GiB: rounded down and capped by the browser. Absent where it does not say. */
  deviceGiB: number | undefined;
};

/** Weights, cache and buffers. The cache of small models takes about 30 KiB a token at most. */
export function neededBytes(model: Pick<PageModel, 'sizeBytes'>): number {
  return model.sizeBytes + fixedBytes + pageContextTokens * 30 * 1024;
}

/** A page may take half of the device's memory; browsers that do not say how much there is are taken for 4 GiB. */
export function availableBytes({ deviceGiB }: PageMemory): number {
  return Math.min(addressableBytes, (deviceGiB ?? 4) * 0.5 * 1024 ** 3);
}

export type Fit = { fits: true } | { fits: false; neededMiB: number; availableMiB: number; smaller?: string };

/** @param others what could be taken instead; the largest of those that fit is named */
export function fitOf(model: PageModel, memory: PageMemory, others: readonly PageModel[]): Fit {
  const fits = (each: Pick<PageModel, 'sizeBytes'>): boolean =>
    each.sizeBytes <= largestFileBytes && neededBytes(each) <= availableBytes(memory);
  if (fits(model)) return { fits: true };
  const [smaller] = others
    .filter((each) => each.sizeBytes < model.sizeBytes && fits(each))
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const mebibytes = (bytes: number): number => Math.round(bytes / 1024 ** 2);
  return {
    fits: false,
    neededMiB: mebibytes(neededBytes(model)),
    availableMiB: mebibytes(Math.min(availableBytes(memory), largestFileBytes + fixedBytes)),
    ...(smaller === undefined ? {} : { smaller: smaller.id }),
  };
}
