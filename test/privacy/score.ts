/** Scores the privacy signals on the sets in `test/fixtures/privacy/`; their README says what counts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { detectPrivacy, type PrivacyVerdict } from '../../src/signals/privacy/detect.ts';
import type { IdentifierType, TextSegment } from '../../src/signals/privacy/types.ts';

type Entity = { type: string; start: number; end: number; form: string };
type IdentifierRow = { id: string; text: string; entities: Entity[]; optional?: { start: number; end: number }[] };
type NegativeRow = { id: string; kind: string; text: string };
type TopicRow = { id: string; author: string; source: string; text: string; topics: string[] };
type ConversationRow = {
  id: string;
  private: boolean;
  privateTurns: number[];
  turns: { role: TextSegment['role']; text: string }[];
};

/** Our names for the labels of the set. */
export const typeNames: Record<string, IdentifierType[]> = {
  resident_id: ['resident-id'],
  mobile: ['phone'],
  landline: ['phone'],
  bank_card: ['bank-card', 'bank-account'],
  passport: ['passport'],
  hk_macau_permit: ['travel-permit', 'passport'],
  taiwan_permit: ['travel-permit', 'passport'],
  hkid: ['hkid'],
  social_credit_code: ['social-credit-code'],
  licence_plate: ['licence-plate'],
  email: ['email'],
  ip: ['ip-address'],
  iban: ['iban'],
  ssn: ['us-ssn'],
  secret: ['secret', 'password'],
  password: ['password', 'secret'],
  verification_code: ['verification-code'],
  bank_account: ['bank-account', 'bank-card'],
  medical_record: ['medical-record'],
  social_insurance: ['social-insurance'],
  device_id: ['device-id'],
  messenger_id: ['messenger-id'],
  taiwan_id: ['taiwan-id'],
  vin: ['vin'],
  coordinates: ['coordinates'],
  name: ['person-name'],
  address: ['address'],
  birth_date: ['birth-date'],
};
/** Types that only the context tells; the others have a form of their own. */
const contextTypes = new Set(['name', 'address', 'birth_date']);

export type Counts = { found: number; missed: number; wrong: number };

/** The folder of a set: `development…`, which the rules were developed on, or `held-out…`, which their authors have not seen. */
export type SetName = string;

/** In the repository root, where tests and benchmarks run. */
const setsFolder = path.join('test', 'fixtures', 'privacy');
const fileOf = (set: SetName, name: string): string => path.join(setsFolder, set, `${name}.jsonl`);

/** Every folder that holds a set, by name. */
export function setNames(): SetName[] {
  return readdirSync(setsFolder)
    .filter((name) => existsSync(fileOf(name, 'identifiers')))
    .toSorted();
}

export const isHeldOut = (set: SetName): boolean => set.startsWith('held-out');

/** A set may lack topics and conversations. */
export function rows<Row>(set: SetName, name: string): Row[] {
  if (!existsSync(fileOf(set, name))) return [];
  return readFileSync(fileOf(set, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

export function judge(text: string): PrivacyVerdict {
  return detectPrivacy([{ role: 'user', text, origin: 'text' }]);
}

/**
 * Entities by type: found when a finding of that type overlaps it. Findings that overlap no entity of their type nor an
 * optional span are wrong.
 */
export function scoreIdentifiers(set: SetName): { byType: Map<string, Counts>; missedForms: Map<string, number> } {
  const byType = new Map<string, Counts>();
  const missedForms = new Map<string, number>();
  const count = (type: string): Counts => {
    const counts = byType.get(type) ?? { found: 0, missed: 0, wrong: 0 };
    byType.set(type, counts);
    return counts;
  };
  for (const row of rows<IdentifierRow>(set, 'identifiers')) {
    const { findings } = judge(row.text);
    for (const entity of row.entities) {
      const accepted = typeNames[entity.type] ?? [];
      if (findings.some((finding) => accepted.includes(finding.type) && overlaps(finding, entity))) {
        count(entity.type).found++;
      } else {
        count(entity.type).missed++;
        const form = `${entity.type} ${entity.form}`;
        missedForms.set(form, (missedForms.get(form) ?? 0) + 1);
      }
    }
    for (const finding of findings) {
      const labelled = [...row.entities, ...(row.optional ?? [])].some((span) => overlaps(finding, span));
      if (!labelled) count(labelOf(finding.type)).wrong++;
    }
  }
  return { byType, missedForms };
}

export function total(byType: Map<string, Counts>, types: (type: string) => boolean = () => true): Counts {
  const sum = { found: 0, missed: 0, wrong: 0 };
  for (const [type, counts] of byType) {
    if (!types(type)) continue;
    sum.found += counts.found;
    sum.missed += counts.missed;
    sum.wrong += counts.wrong;
  }
  return sum;
}

export const isStructured = (type: string): boolean => type in typeNames && !contextTypes.has(type);
export const recall = ({ found, missed }: Counts): number => found / (found + missed);
export const f1 = ({ found, missed, wrong }: Counts): number => (2 * found) / (2 * found + missed + wrong);

/** Share of the hard negatives that are called private, and by what. */
export function scoreNegatives(set: SetName): { share: number; count: number; rules: Map<string, number> } {
  const rules = new Map<string, number>();
  const negatives = rows<NegativeRow>(set, 'hard-negatives');
  let wrong = 0;
  for (const { text } of negatives) {
    const verdict = judge(text);
    if (verdict.level === 'public') continue;
    wrong++;
    const rule = verdict.findings[0]?.rule ?? `topic ${verdict.topics[0]?.topic ?? '?'}`;
    rules.set(rule, (rules.get(rule) ?? 0) + 1);
  }
  return { share: wrong / negatives.length, count: negatives.length, rules };
}

/** Sensitive or not, by topics alone, in all and by each author and source. */
export function scoreTopics(set: SetName): { all: Counts; byTopic: Map<string, Counts>; byGroup: Map<string, Counts> } {
  const all = { found: 0, missed: 0, wrong: 0 };
  const byTopic = new Map<string, Counts>();
  const byGroup = new Map<string, Counts>();
  const add = (counts: Counts, is: boolean, said: boolean) => {
    if (is && said) counts.found++;
    else if (is) counts.missed++;
    else if (said) counts.wrong++;
  };
  const of = (map: Map<string, Counts>, key: string): Counts => {
    const counts = map.get(key) ?? { found: 0, missed: 0, wrong: 0 };
    map.set(key, counts);
    return counts;
  };
  for (const row of rows<TopicRow>(set, 'topics')) {
    const said = judge(row.text).topics.map(({ topic }) => topic as string);
    for (const counts of [all, of(byGroup, `author ${row.author}`), of(byGroup, `source ${row.source}`)]) {
      add(counts, row.topics.length > 0, said.length > 0);
    }
    for (const topic of new Set([...row.topics, ...said])) {
      add(of(byTopic, topic), row.topics.includes(topic), said.includes(topic));
    }
  }
  return { all, byTopic, byGroup };
}

/** Conversations judged as a whole: private ones missed, clean ones called private. */
export function scoreConversations(set: SetName): { missed: string[]; wrong: string[]; count: number } {
  const missed: string[] = [];
  const wrong: string[] = [];
  const conversations = rows<ConversationRow>(set, 'conversations');
  for (const conversation of conversations) {
    const last = conversation.private ? Math.max(...conversation.privateTurns) : conversation.turns.length - 1;
    const segments = conversation.turns.slice(0, last + 1).map(({ role, text }): TextSegment => {
      return { role, text, origin: role === 'tool' ? 'tool' : 'text' };
    });
    const isPrivate = detectPrivacy(segments).level === 'private';
    if (conversation.private && !isPrivate) missed.push(conversation.id);
    if (!conversation.private && isPrivate) wrong.push(conversation.id);
  }
  return { missed, wrong, count: conversations.length };
}

function overlaps(left: { start: number; end: number }, right: { start: number; end: number }): boolean {
  return left.start < right.end && right.start < left.end;
}

function labelOf(type: IdentifierType): string {
  return Object.entries(typeNames).find(([, names]) => names.includes(type))?.[0] ?? type;
}
