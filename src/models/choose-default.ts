import type { ModelEntry } from '../core/catalogue.ts';
import type { Catalogue, DefaultCandidate } from './catalogue.ts';
import { mebibytes } from './disk-space.ts';

export type DefaultFacts = {
  catalogue: Catalogue;
  /** Ids of models whose files are all here. */
  installed: readonly string[];
  /** The id chosen last time, where there is one. */
  remembered?: string;
  /** Memory that a model may take, in bytes. */
  freeMemoryBytes: number;
  /** Ids of the hub candidates whose files a hub was seen to hold just now. */
  onHub: readonly string[];
  /** Whether a package index answers. */
  packageIndexReachable: boolean;
};

export type DefaultChoice = {
  id: string;
  /** One sentence for the user. */
  reason: string;
  installed: boolean;
};

/**
 * The model that `default` means, best first; the rest are what to try when the first cannot be fetched after all.
 * Empty where nothing fits or nothing can be had. A choice once made and installed stays, so that a start does not
 * depend on the network.
 */
export function chooseDefault(facts: DefaultFacts): DefaultChoice[] {
  const { catalogue, installed, remembered } = facts;
  if (remembered !== undefined && installed.includes(remembered)) {
    return [{ id: remembered, reason: `${remembered} was chosen before and is installed.`, installed: true }];
  }
  const free = `${mebibytes(facts.freeMemoryBytes)} MiB of memory are free`;
  const choices: DefaultChoice[] = [];
  const add = (id: string, reason: string): void => {
    if (!choices.some((choice) => choice.id === id)) choices.push({ id, reason, installed: installed.includes(id) });
  };
  for (const { id } of fitting(facts, catalogue.defaults.hub)) {
    if (facts.onHub.includes(id))
      add(id, `${free} and a model hub is reachable, so ${id}, which also reads pictures, is taken.`);
  }
  if (facts.packageIndexReachable) {
    const why = facts.onHub.length === 0 ? 'no model hub is reachable' : 'the hub could not give its model';
    for (const { id } of fitting(facts, catalogue.defaults.packageIndex)) {
      add(id, `${free} and ${why}, so ${id} is taken from the Python package index.`);
    }
  }
  for (const entry of installedBySize(facts)) add(entry.id, `Nothing can be fetched and ${entry.id} is installed.`);
  return choices;
}

/** The hub candidates worth asking for, best first. */
export function hubCandidates(facts: Pick<DefaultFacts, 'catalogue' | 'freeMemoryBytes'>): ModelEntry[] {
  return fitting(facts, facts.catalogue.defaults.hub).flatMap(({ id }) => entryOf(facts.catalogue, id) ?? []);
}

function fitting(
  { catalogue, freeMemoryBytes }: Pick<DefaultFacts, 'catalogue' | 'freeMemoryBytes'>,
  candidates: DefaultCandidate[],
): DefaultCandidate[] {
  return candidates.filter(({ id, freeBytes }) => {
    const entry = entryOf(catalogue, id);
    return entry !== undefined && freeMemoryBytes >= Math.max(freeBytes, entry.memoryBytes);
  });
}

/** Chat models on this machine that fit; those of the lists first, in their order, then the largest. */
function installedBySize({ catalogue, installed, freeMemoryBytes }: DefaultFacts): ModelEntry[] {
  const ranked = [...catalogue.defaults.hub, ...catalogue.defaults.packageIndex].map(({ id }) => id);
  const rank = (entry: ModelEntry): number => (ranked.includes(entry.id) ? ranked.indexOf(entry.id) : ranked.length);
  return catalogue.models
    .filter((entry) => entry.kind === undefined && installed.includes(entry.id) && entry.memoryBytes <= freeMemoryBytes)
    .sort((a, b) => rank(a) - rank(b) || b.memoryBytes - a.memoryBytes);
}

function entryOf(catalogue: Catalogue, id: string): ModelEntry | undefined {
  return catalogue.models.find((entry) => entry.id === id);
}
