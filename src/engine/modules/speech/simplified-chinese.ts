import { Converter } from 'opencc-js/t2cn';

let convert: ((text: string) => string) | undefined;

/** Traditional characters → simplified ones, by OpenCC's dictionaries; everything else stays as it is. */
export function toSimplifiedChinese(text: string): string {
  const ready = convert ?? (Converter({ from: 't', to: 'cn' }) as (source: string) => string);
  convert = ready;
  return ready(text);
}
