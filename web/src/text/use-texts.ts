import { createContext, useContext } from 'react';
import { english, type Texts } from './texts-en.ts';
import { chinese } from './texts-zh.ts';

export type Language = 'en' | 'zh';

/** The first of the browser's languages that the page speaks; English otherwise. */
export function browserLanguage(languages: readonly string[] = navigator.languages): Language {
  for (const each of languages) {
    if (/^zh\b/i.test(each)) return 'zh';
    if (/^en\b/i.test(each)) return 'en';
  }
  return 'en';
}

export const textsOf = (language: Language): Texts => (language === 'zh' ? chinese : english);
export const TextsContext = createContext<Texts>(english);
export const useTexts = (): Texts => useContext(TextsContext);

/** `identifier:phone` and the like, in words; a reason without words is shown as it is. */
export function reasonText(reason: string, texts: Texts): string {
  const [kind = '', name = ''] = reason.split(':');
  if (kind === 'identifier' || kind === 'topic') return texts.found[name] ?? name;
  return texts.reasons[reason] ?? reason;
}
