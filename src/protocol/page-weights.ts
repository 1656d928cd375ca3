import type { ModelEntry, Persona } from '../core/catalogue.ts';

/** A file above this cannot be used in a page. */
const largestBytes = 2 * 1024 ** 3;

export type PageWeights = {
  id: string;
  displayName: string;
  licence: string;
  sizeBytes: number;
  sha256: string;
  contextTokens: number;
  languages: string[];
  persona: Persona;
  sampling: ModelEntry['sampling'];
  /** This server has the file; otherwise it has to be pulled first. */
  installed: boolean;
};

/** What a page needs to know to run a model by itself; nothing where it cannot. */
export function pageWeights(entry: ModelEntry, installed: boolean): PageWeights[] {
  const file = entry.files.find(({ role }) => role === 'weights');
  const isRunnable = entry.kind === undefined && entry.quirks.chatTemplate === undefined;
  // A model without a persona is a bare one, with no template for conversations.
  if (!isRunnable || entry.persona === undefined || file?.sha256 === undefined || file.sizeBytes === undefined)
    return [];
  if (file.sizeBytes > largestBytes) return [];
  const { id, displayName, licence, contextTokens, languages, sampling } = entry;
  return [
    {
      id,
      displayName,
      licence,
      sizeBytes: file.sizeBytes,
      sha256: file.sha256,
      contextTokens,
      languages,
      persona: entry.persona,
      sampling,
      installed,
    },
  ];
}
